//! The `espo` command-line tool.

fn main() -> std::process::ExitCode {
    espo_cli::main()
}
