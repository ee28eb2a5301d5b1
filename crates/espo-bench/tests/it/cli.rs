//! Runs the program as a user does.

use std::path::Path;
use std::process::Command;

use crate::support::{Behaviour, Server};

/// Returns `espo-bench` with the arguments of a line and the key that [`Server`] accepts.
pub(crate) fn bench(folder: &Path, line: &str) -> Command {
    let mut command = program();
    command
        .args(line.split_whitespace())
        .current_dir(folder)
        .env("ESPO_API_KEY", "key")
        .env("NO_PROXY", "*")
        .env_remove("ESPO_URL")
        .env_remove("ESPO_SECRET_KEY");
    command
}

/// The program with the default reaction to signals. A shell without job control starts background jobs with ignored
/// interrupts, which the tests and then this program would inherit.
fn program() -> Command {
    let program = env!("CARGO_BIN_EXE_espo-bench");
    if cfg!(target_os = "linux") {
        let mut command = Command::new("env");
        command.args(["--default-signal=HUP,INT,TERM", program]);
        return command;
    }
    Command::new(program)
}

/// Returns a directory with the workload in `w.toml`.
pub(crate) fn folder_with(workload: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("w.toml"), workload).unwrap();
    folder
}

/// Starts a server with twenty accounts.
pub(crate) fn accounts(behaviour: Behaviour) -> Server {
    Server::start(Behaviour {
        records: [("Account".to_owned(), 20)].into(),
        ..behaviour
    })
}
