//! Credentials in the environment reach only the commands that connect to an instance, and no build script.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

const CANARY: &str = "canary-of-xtask-4711";
const VARIABLES: [&str; 5] = [
    "ESPO_API_KEY",
    "ESPO_SECRET_KEY",
    "ESPO_USERNAME",
    "ESPO_PASSWORD",
    "ESPO_CREDENTIALS",
];

/// Replaces Cargo by a program that writes its arguments and its environment to a new file in a directory.
fn stand_in(folder: &Path) -> PathBuf {
    let program = folder.join("cargo");
    let calls = folder.join("calls");
    fs::create_dir(&calls).expect("created");
    let text = format!(
        "#!/bin/sh\nfile=$(mktemp '{}/XXXXXX')\n{{ echo \"arguments: $*\"; env; }} >\"$file\"\n",
        calls.display()
    );
    fs::write(&program, text).expect("written");
    let mode = fs::Permissions::from_mode(0o700);
    fs::set_permissions(&program, mode).expect("executable");
    program
}

#[test]
fn credentials_reach_only_commands_that_connect_to_an_instance() {
    for task in [
        "codegen",
        "diff a.json b.json",
        "pull --url http://127.0.0.1:9",
        "update",
        "drift --url http://127.0.0.1:9",
        "conformance --url http://127.0.0.1:9",
        "differential --real http://127.0.0.1:9",
        "demo",
        "api",
        "test --step formatting --step lints",
        "test --step docs",
        "release-check --dependencies",
        "compare-generators",
        "stock-metadata",
    ] {
        let folder = tempfile::tempdir().expect("a directory");
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .args(task.split_whitespace())
            .env("CARGO", stand_in(folder.path()))
            .envs(VARIABLES.map(|name| (name, CANARY)));
        let ran = command.output().expect("xtask runs");
        let said = String::from_utf8_lossy(&ran.stdout).into_owned()
            + &String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{task}: {said}");
        assert!(!said.contains(CANARY), "{task}: {said}");
        let calls = fs::read_dir(folder.path().join("calls")).expect("calls");
        let mut with_credentials = 0;
        let mut count = 0;
        for call in calls {
            let path = call.expect("an entry").path();
            let call = fs::read_to_string(path).expect("a call");
            let (arguments, environment) = call.split_once('\n').expect("two parts");
            assert!(!arguments.contains(CANARY), "{task}: {arguments}");
            count += 1;
            if environment.contains(CANARY) {
                with_credentials += 1;
                assert!(
                    arguments.contains(" run ") || arguments.contains(": run "),
                    "{task}: {arguments}"
                );
                for name in VARIABLES {
                    let line = format!("{name}={CANARY}");
                    assert!(environment.contains(&line), "{task}: {name} is missing");
                }
            }
        }
        let connects = ["pull", "update", "drift", "conformance", "differential"];
        let connects = connects.iter().any(|name| task.starts_with(name));
        assert!(count > 0, "{task} did not call Cargo");
        assert_eq!(with_credentials, usize::from(connects), "{task}");
    }
}
