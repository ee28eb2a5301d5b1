//! The command-line interface of the load tester, see `espo-bench --help`.

#![warn(clippy::print_stdout, clippy::print_stderr)]

mod cli;

use std::process::ExitCode;

use clap::Parser as _;

/// Bodies and headers are allocated and freed for every request on a secondary thread, where the C library's allocator
/// costs 8 % of the rate, and 20 % when pages are decoded.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return cli::explain(error),
    };
    match cli::run(cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            espo_stdio::note!("espo-bench: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
