//! Help, completions, man pages and standard output.

use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;

use crate::support::{espo, text, words, workspace, xtask};

fn here(arguments: &str) -> std::process::Output {
    espo(Path::new("."))
        .args(words(arguments))
        .output()
        .expect("the program runs")
}

#[test]
fn help_of_network_commands_names_the_credentials() {
    for command in ["pull", "update", "drift", "conformance"] {
        let help = text(&here(&format!("{command} --help")));
        for variable in [
            "ESPO_API_KEY",
            "ESPO_SECRET_KEY",
            "ESPO_USERNAME",
            "ESPO_PASSWORD",
        ] {
            assert!(help.contains(variable), "{command}: {variable}\n{help}");
        }
    }
    for command in ["codegen", "diff", "completions"] {
        let help = text(&here(&format!("{command} --help")));
        assert!(!help.contains("ESPO_PASSWORD"), "{help}");
    }
}

#[test]
fn every_command_and_option_has_help() {
    fn check(command: &clap::Command) {
        let name = command.get_name();
        assert!(command.get_about().is_some(), "{name} has no description");
        for argument in command.get_arguments() {
            assert!(
                argument.get_help().is_some(),
                "{name}: {} has no help",
                argument.get_id()
            );
        }
        command.get_subcommands().for_each(check);
    }
    check(&espo_cli::command());
}

#[test]
fn completions_exist_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = here(&format!("completions {shell}"));
        assert!(output.status.success(), "{}", text(&output));
        assert!(text(&output).contains("codegen"), "{shell}");
    }
}

#[test]
fn man_pages_cover_every_command() {
    let folder = tempfile::tempdir().expect("a directory");
    let output = here(&format!("man --out {}", folder.path().display()));
    assert!(output.status.success(), "{}", text(&output));
    for command in espo_cli::command().get_subcommands() {
        let page = folder.path().join(format!("espo-{}.1", command.get_name()));
        assert!(page.is_file(), "{}", page.display());
    }
    assert!(text(&here("man")).contains(".TH espo 1"));
}

#[test]
fn wrappers_appear_in_usage_and_hints() {
    let usage = text(&xtask(&["codegen", "--help"], &[]));
    assert!(usage.contains("Usage: cargo xtask codegen"), "{usage}");
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let mut child = espo(Path::new("."))
        .args(["completions", "zsh"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let mut errors = String::new();
    let mut stderr = child.stderr.take().expect("standard error");
    stderr.read_to_string(&mut errors).expect("text");
    assert!(
        child.wait().expect("the program ends").success(),
        "{errors}"
    );
    assert_eq!(errors, "");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_without_a_panic() {
    for arguments in ["completions bash", "--help", "pull --help", "--version"] {
        let full = std::fs::File::create("/dev/full").expect("the device");
        let output = espo(Path::new("."))
            .args(words(arguments))
            .stdout(full)
            .output()
            .expect("the program runs");
        assert_eq!(output.status.code(), Some(2), "{arguments}");
        assert!(
            text(&output).contains("cannot write to standard output"),
            "{arguments}: {}",
            text(&output)
        );
    }
}

#[test]
fn checked_in_sdk_is_up_to_date() {
    for config in ["espo.toml", "examples/crm-sync/espo.toml"] {
        let config = workspace().join(config);
        let config = config.to_str().expect("a path");
        let output = xtask(&["--config", config, "codegen", "--check"], &[]);
        assert!(output.status.success(), "{config}: {}", text(&output));
    }
}

#[test]
fn usage_errors_exit_with_2() {
    for arguments in [
        "",
        "unknown",
        "codegen --unknown",
        "diff one-path",
        "drift --proxy a --no-proxy",
    ] {
        let output = here(arguments);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments}: {}",
            text(&output)
        );
    }
}

/// `xtask` does not link this crate, so the compiler cannot check the names.
#[test]
fn xtask_forwards_existing_commands() {
    let source =
        std::fs::read_to_string(workspace().join("xtask/src/main.rs")).expect("the source");
    let commands = espo_cli::command();
    for name in ["codegen", "pull", "update", "diff", "drift", "conformance"] {
        assert!(source.contains(&format!("\"{name}\"")), "{name}");
        assert!(commands.find_subcommand(name).is_some(), "{name}");
    }
}
