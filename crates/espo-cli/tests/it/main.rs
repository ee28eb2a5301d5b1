//! Tests of the program as a user runs it.

mod conformance;
mod help;
mod hostile;
mod invalid;
mod life_cycle;
mod packages;
mod project;
mod scope;
mod secrets;
mod server;
#[cfg(unix)]
mod signals;
mod support;
