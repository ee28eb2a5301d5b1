//! Runs the tests of the workspace: builds all test programs once, then runs several of them at a time.
//!
//! `cargo test` runs one test program after the other. Many tests wait for a load of some seconds or for a browser,
//! so the processors would be idle most of the time.

use std::collections::{HashMap, VecDeque};
use std::num::NonZero;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tinyjson::JsonValue;

use crate::steps::Steps;
use crate::{Failure, cargo, print, root};

/// Packages with the longest tests; they start first.
const SLOW: [&str; 5] = [
    "espo-bench",
    "espo-misuse",
    "espo-guide",
    "espo-codegen",
    "espo-cli",
];

/// A command that runs at the same time as others.
pub(crate) struct Job {
    name: String,
    command: Command,
}

impl Job {
    /// A command that runs in the directory of the workspace.
    pub(crate) fn new(name: &str, mut command: Command) -> Self {
        command.current_dir(root());
        crate::without_credentials(&mut command);
        Self {
            name: name.to_owned(),
            command,
        }
    }

    /// A test program, in the directory and with the environment that `cargo test` gives it.
    fn test(program: Program) -> Self {
        let mut command = Command::new(&program.file);
        if let Some(folder) = program.manifest.parent() {
            command
                .current_dir(folder)
                .env("CARGO_MANIFEST_DIR", folder);
        }
        crate::without_credentials(&mut command);
        command
            .env("CARGO_MANIFEST_PATH", &program.manifest)
            .env("CARGO_PKG_NAME", &program.package);
        if std::env::var_os("RUST_TEST_THREADS").is_none() {
            // Most of the slow tests wait for something.
            let threads = std::thread::available_parallelism().map_or(2, NonZero::get) * 2;
            command.env("RUST_TEST_THREADS", threads.to_string());
        }
        Self {
            name: format!("{} {}", program.package, program.target),
            command,
        }
    }
}

struct Outcome {
    name: String,
    passed: bool,
    time: Duration,
}

/// Builds all test programs and runs them and the documentation tests, several at a time, together with another command
/// of Cargo if one is given.
pub(crate) fn run(steps: &mut Steps, beside: Option<Job>) -> Result<(), Failure> {
    let programs = build(steps)?;
    let mut jobs: VecDeque<Job> = programs.into_iter().map(Job::test).collect();
    // After the first slow program, because tests that run Cargo wait until this has finished.
    if let Some(job) = beside {
        jobs.insert(1.min(jobs.len()), job);
    }
    let documentation = cargo("test --workspace --locked --no-fail-fast --doc");
    jobs.push_back(Job::new("documentation tests", documentation));
    let start = Instant::now();
    let outcomes = run_all(jobs)?;
    steps.add("run the tests", start.elapsed());
    report(&outcomes)
}

/// A test program, as Cargo reports it.
struct Program {
    package: String,
    target: String,
    manifest: PathBuf,
    file: PathBuf,
}

/// Builds the test programs and returns them, the slow ones first.
fn build(steps: &mut Steps) -> Result<Vec<Program>, Failure> {
    let line = "test --workspace --locked --no-run --message-format=json-render-diagnostics";
    let mut command = cargo(line);
    command.current_dir(root()).stdout(Stdio::piped());
    let output = steps.output("build the tests", &format!("cargo {line}"), command)?;
    let messages = String::from_utf8_lossy(&output);
    let mut programs: Vec<Program> = messages.lines().filter_map(program).collect();
    if programs.is_empty() {
        return Err(Failure::Check("cargo reported no test programs".to_owned()));
    }
    let rank = |package: &str| {
        let place = SLOW.iter().position(|slow| *slow == package);
        place.unwrap_or(SLOW.len())
    };
    programs.sort_by_key(|program| rank(&program.package));
    Ok(programs)
}

/// Reads a message of Cargo; `None` for messages about anything but a test program.
fn program(message: &str) -> Option<Program> {
    let message: JsonValue = message.parse().ok()?;
    let is_test: bool = *member(member(&message, "profile")?, "test")?.get()?;
    if !is_test {
        return None;
    }
    let text = |key: &str| member(&message, key)?.get::<String>().cloned();
    let manifest = PathBuf::from(text("manifest_path")?);
    // A package ID ends with `#NAME@VERSION`, or with `#VERSION` if the directory is called after the package.
    let id = text("package_id")?;
    let (location, end) = id.rsplit_once('#')?;
    let package = match end.split_once('@') {
        Some((name, _)) => name,
        None => location.rsplit('/').next()?,
    };
    Some(Program {
        package: package.to_owned(),
        target: member(member(&message, "target")?, "name")?
            .get::<String>()?
            .clone(),
        manifest,
        file: text("executable")?.into(),
    })
}

fn member<'a>(value: &'a JsonValue, key: &str) -> Option<&'a JsonValue> {
    value.get::<HashMap<String, JsonValue>>()?.get(key)
}

/// Runs the jobs, at most one more than the number of processors at a time, and prints the output of each when it has
/// ended.
fn run_all(jobs: VecDeque<Job>) -> Result<Vec<Outcome>, Failure> {
    let queue = Mutex::new(jobs);
    let outcomes = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, NonZero::get) + 1;
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers)
            .map(|_| {
                scope.spawn(|| {
                    while let Some(job) = next(&queue) {
                        let outcome = run_one(job)?;
                        locked(&outcomes).push(outcome);
                    }
                    Ok(())
                })
            })
            .collect();
        workers.into_iter().try_for_each(|worker| {
            worker.join().unwrap_or_else(|_| {
                Err(Failure::Check(
                    "a thread that runs tests panicked".to_owned(),
                ))
            })
        })
    })?;
    Ok(outcomes
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner))
}

fn next(queue: &Mutex<VecDeque<Job>>) -> Option<Job> {
    locked(queue).pop_front()
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run_one(job: Job) -> Result<Outcome, Failure> {
    let Job { name, mut command } = job;
    let start = Instant::now();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::Input(format!("cannot run the tests of {name}: {error}")))?;
    let time = start.elapsed();
    print(&format!(
        "\n--- {name}: {:.1} s\n{}{}",
        time.as_secs_f64(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    ))?;
    Ok(Outcome {
        name,
        passed: output.status.success(),
        time,
    })
}

/// Lists the slowest programs and those that failed.
fn report(outcomes: &[Outcome]) -> Result<(), Failure> {
    let mut by_time: Vec<&Outcome> = outcomes.iter().collect();
    by_time.sort_by_key(|outcome| std::cmp::Reverse(outcome.time));
    let mut text = String::from("\nslowest test programs, several at a time:\n");
    for outcome in by_time.iter().take(8) {
        text += &format!("{:>7.1} s  {}\n", outcome.time.as_secs_f64(), outcome.name);
    }
    print(&text)?;
    let failed: Vec<&str> = outcomes
        .iter()
        .filter(|outcome| !outcome.passed)
        .map(|outcome| outcome.name.as_str())
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::Check(format!(
        "tests failed: {}; run one with `cargo test -p PACKAGE --test NAME`",
        failed.join(", ")
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(test: bool, executable: &str) -> String {
        format!(
            r#"{{"reason":"compiler-artifact","package_id":"path+file:///w/crates/a#0.1.0",
            "manifest_path":"/w/crates/a/Cargo.toml","target":{{"kind":["test"],"name":"it"}},
            "profile":{{"opt_level":"0","test":{test}}},"executable":{executable}}}"#
        )
    }

    #[test]
    fn test_programs_are_read_from_cargo() {
        let found = program(&message(true, r#""/w/target/debug/deps/it-1""#)).expect("a program");
        assert_eq!((found.package.as_str(), found.target.as_str()), ("a", "it"));
        assert_eq!(found.manifest, PathBuf::from("/w/crates/a/Cargo.toml"));
        assert_eq!(found.file, PathBuf::from("/w/target/debug/deps/it-1"));
        let renamed = message(true, r#""/it""#).replace("#0.1.0", "#other@0.1.0");
        assert_eq!(program(&renamed).expect("a program").package, "other");
    }

    #[test]
    fn other_messages_are_ignored() {
        assert!(program(&message(false, r#""/w/target/debug/a""#)).is_none());
        assert!(program(&message(true, "null")).is_none());
        assert!(program(r#"{"reason":"build-finished","success":true}"#).is_none());
        assert!(program("warning: not JSON").is_none());
    }

    #[test]
    fn failures_are_named() {
        let outcome = |name: &str, passed| Outcome {
            name: name.to_owned(),
            passed,
            time: Duration::from_secs(1),
        };
        assert!(report(&[outcome("a it", true)]).is_ok());
        let error = report(&[outcome("a it", true), outcome("b it", false)]).expect_err("b");
        assert!(
            error.to_string().starts_with("tests failed: b it; "),
            "{error}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn all_jobs_run_and_failures_are_kept() {
        let job = |program: &str| Job::new(program, Command::new(program));
        let jobs = ["true", "false", "true", "true"].map(job);
        let outcomes = run_all(jobs.into()).map_err(|error| error.to_string());
        let outcomes = outcomes.expect("the programs exist");
        let failed = outcomes.iter().filter(|outcome| !outcome.passed);
        assert_eq!((outcomes.len(), failed.count()), (4, 1));
        assert!(run_all([job("no-such-program-exists")].into()).is_err());
    }
}
