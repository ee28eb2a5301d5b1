//! The load tester's command line.
fn main() {}
