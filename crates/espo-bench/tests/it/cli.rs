//! The program, called as a user calls it.

use std::path::Path;
use std::process::Command;

use crate::support::{Behaviour, Server};

/// `espo-bench` with the arguments of a line, with the key that [`Server`] knows.
pub(crate) fn bench(folder: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_espo-bench"));
    command
        .args(line.split_whitespace())
        .current_dir(folder)
        .env("ESPO_API_KEY", "key")
        .env("NO_PROXY", "*")
        .env_remove("ESPO_SECRET_KEY");
    command
}

/// A folder with the workload in `w.toml`.
pub(crate) fn folder_with(workload: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("w.toml"), workload).unwrap();
    folder
}

/// A server that holds twenty accounts.
pub(crate) fn accounts(behaviour: Behaviour) -> Server {
    Server::start(Behaviour {
        records: [("Account".to_owned(), 20)].into(),
        ..behaviour
    })
}
