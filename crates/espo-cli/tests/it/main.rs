//! Tests of the program as a user runs it.

mod help;
mod hostile;
mod invalid;
mod life_cycle;
mod packages;
mod project;
mod scope;
mod secrets;
mod server;
mod support;
