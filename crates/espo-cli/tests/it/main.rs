//! Tests of the program as a user runs it.

mod help;
mod invalid;
mod life_cycle;
mod packages;
mod project;
mod support;
