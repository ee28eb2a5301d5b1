//! The load tester's command line: see `espo-bench --help`.

mod cli;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match cli::run(cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("espo-bench: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
