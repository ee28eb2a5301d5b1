//! The load tester as a library and as a program, over sockets. One binary: each links everything.

#[path = "../../../espo-core/tests/wire/authority.rs"]
mod authority;
mod cli;
mod commands;
mod https;
mod k8s;
mod kinds;
mod outputs;
mod recovery;
mod reproducible;
mod run;
mod support;
mod truth;
mod usage;
mod writes;
