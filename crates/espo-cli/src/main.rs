//! The `espo` command line.

fn main() -> std::process::ExitCode {
    espo_cli::main()
}
