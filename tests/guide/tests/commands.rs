//! The command lines of the guide, run against the simulator.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use espo_guide::CHAPTERS;
use espo_sim::Sim;

fn workspace() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest
        .ancestors()
        .nth(2)
        .expect("the workspace")
        .to_path_buf()
}

fn chapter(file: &str) -> String {
    let path = workspace().join("docs/src").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The lines of the ```sh blocks, with continuation lines joined, and the commands in invisible comments
/// (`<!-- setup: … -->`), which make what readers of an earlier chapter have.
fn command_lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut in_block = false;
    let mut continues = false;
    for line in text.lines() {
        let line = line.trim();
        let setup = line.strip_prefix("<!-- setup: ");
        if let Some(setup) = setup.and_then(|line| line.strip_suffix(" -->")) {
            lines.push(setup.to_owned());
        } else if line.starts_with("```") {
            in_block = line == "```sh";
        } else if in_block && !line.is_empty() && !line.starts_with('#') {
            let (part, more) = match line.strip_suffix('\\') {
                Some(part) => (part.trim_end(), true),
                None => (line, false),
            };
            match lines.last_mut() {
                Some(last) if continues => {
                    last.push(' ');
                    last.push_str(part);
                }
                _ => lines.push(part.to_owned()),
            }
            continues = more;
        }
    }
    lines
}

/// Where Cargo puts the programs of the workspace in the profile of this test.
fn programs() -> PathBuf {
    let test = std::env::current_exe().expect("this program");
    let folder = test
        .ancestors()
        .nth(2)
        .expect("the profile's directory")
        .to_path_buf();
    for program in ["espo", "espo-bench", "espo-sim"] {
        assert!(
            folder.join(program).is_file(),
            "{program} is not built: run `cargo build -p espo-cli -p espo-bench -p espo-sim` first, or the tests of the \
             workspace, which build it"
        );
    }
    folder
}

/// Loads are shortened: the test is about the command line.
fn shortened(line: &str) -> String {
    let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    for index in 1..words.len() {
        if words[index - 1] == "--duration" {
            words[index] = "1s".to_owned();
        }
    }
    // On a busy machine, short runs are not comparable.
    if words.starts_with(&["espo-bench".to_owned(), "compare".to_owned()]) {
        words.insert(2, "--force".to_owned());
    }
    words.join(" ")
}

/// Exit codes that are results rather than failures.
fn is_expected(line: &str, code: Option<i32>) -> bool {
    match code {
        Some(0) => true,
        // A difference or an objective depends on how busy this machine is; 4 means too little data.
        Some(1 | 4) => line.contains("espo-bench compare") || line.contains("--slo"),
        _ => false,
    }
}

/// Cargo's own commands need a registry; what they name has to exist.
fn check_cargo(line: &str) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let after = |word: &str| {
        words
            .iter()
            .position(|w| *w == word)
            .and_then(|at| words.get(at + 1))
    };
    let crates = workspace().join("crates");
    match words[1] {
        "install" => assert!(
            crates.join(words[2]).join("src/main.rs").is_file(),
            "{line}"
        ),
        "run" => {
            let package = crates.join(after("-p").expect("a package"));
            let example = after("--example").expect("an example");
            assert!(
                package.join(format!("examples/{example}.rs")).is_file(),
                "{line}"
            );
        }
        "new" | "add" => {}
        other => panic!("unknown cargo command {other}: {line}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn command_lines_run() {
    let programs = programs();
    let mut path = programs.into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut count = 0;
    for file in CHAPTERS {
        let sim = Sim::start().await.expect("a server");
        let admin = sim.users().admin().expect("an administrator");
        let password = admin.password.clone().expect("a password");
        let folder = tempfile::tempdir().expect("a directory");
        for line in command_lines(&chapter(file)) {
            if line.starts_with("cargo ") {
                check_cargo(&line);
                continue;
            }
            assert!(
                !line.starts_with("espo-sim "),
                "{file}: `{line}` does not end; write it in a block of text"
            );
            let line = shortened(&line.replace("https://crm.example.com", &sim.url()));
            let mut command = Command::new("bash");
            command
                .args(["-c", &line])
                .current_dir(folder.path())
                .env("PATH", &path)
                .env("ESPO_USERNAME", &admin.user_name)
                .env("ESPO_PASSWORD", &password)
                .env_remove("ESPO_CONFIG")
                .env_remove("ESPO_URL")
                .env_remove("ESPO_API_KEY");
            let output = tokio::task::spawn_blocking(move || command.output())
                .await
                .expect("no panic")
                .expect("bash runs");
            assert!(
                is_expected(&line, output.status.code()),
                "{file}: `{line}` ended with {}\n{}{}",
                output.status,
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
            count += 1;
        }
    }
    assert!(count >= 15, "only {count} command lines were run");
}

#[test]
fn every_chapter_is_in_the_summary_and_tested() {
    let summary = chapter("SUMMARY.md");
    let mut files: Vec<String> = fs::read_dir(workspace().join("docs/src"))
        .expect("the chapters")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name != "SUMMARY.md")
        .collect();
    files.sort();
    let mut tested: Vec<String> = CHAPTERS.iter().map(|&file| file.to_owned()).collect();
    tested.sort();
    assert_eq!(files, tested);
    for file in files {
        assert!(summary.contains(&format!("({file})")), "{file}");
    }
}

#[test]
fn lines_of_examples_fit_the_page() {
    for file in CHAPTERS {
        let mut in_block = false;
        for line in chapter(file).lines() {
            in_block ^= line.trim_start().starts_with("```");
            assert!(
                !in_block || line.trim_start().chars().count() <= 100,
                "{file}: {line}"
            );
        }
    }
}

#[test]
fn links_between_chapters_exist() {
    for file in CHAPTERS {
        let text = chapter(file);
        for target in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let target = target.split('#').next().unwrap_or(target);
            if target.ends_with(".md") && !target.contains("://") {
                assert!(CHAPTERS.contains(&target), "{file}: {target}");
            }
        }
    }
}
