//! Tests of the load tester as a library and as a program, over sockets. They share one binary, because each binary
//! links everything.

mod access;
#[path = "../../../espo-core/tests/wire/authority.rs"]
mod authority;
mod browser;
mod cli;
mod commands;
mod dashboard;
mod earlier;
mod early_ends;
mod faults;
mod foreign_reports;
mod generator;
mod hostile;
mod https;
mod k8s;
mod kinds;
mod layers;
mod outputs;
mod people;
mod recovery;
mod reproducible;
mod run;
mod secrets;
mod slurm;
mod support;
mod truth;
mod usage;
mod without_effect;
mod writes;
