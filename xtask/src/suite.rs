//! Runs the tests of the workspace: builds all test programs once, then runs several of them at a time.
//!
//! `cargo test` runs one test program after the other. Many tests wait for a load of some seconds or for a browser,
//! so the processors would be idle most of the time. Failed tests are repeated alone: on a busy machine, a load
//! test can miss the rate that it is meant to reach. Those that pass then are listed.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::num::NonZero;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tinyjson::JsonValue;

use crate::steps::Steps;
use crate::{Failure, cargo, compiler, print, root};

/// Packages with the longest tests; they start first.
const SLOW: [&str; 5] = [
    "espo-bench",
    "espo-misuse",
    "espo-guide",
    "espo-codegen",
    "espo-cli",
];

/// The fixtures of odd exports are code to compile, not to read; one of their tests documents them.
pub(crate) const UNDOCUMENTED: &str = "espo-odd-exports";

/// How long a program may run: several times what the slowest takes.
const LIMIT: Duration = Duration::from_secs(20 * 60);

/// A command that runs at the same time as others.
struct Job {
    name: String,
    command: Command,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A test program, which accepts names of tests.
    Tests,
    /// A command of Cargo.
    Cargo,
}

impl Job {
    /// A command that runs in the directory of the workspace.
    fn new(name: &str, mut command: Command) -> Self {
        command.current_dir(root());
        crate::without_credentials(&mut command);
        Self {
            name: name.to_owned(),
            command,
            kind: Kind::Cargo,
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
            kind: Kind::Tests,
        }
    }
}

struct Outcome {
    job: Job,
    passed: bool,
    time: Duration,
    /// The output of the program.
    output: String,
}

impl Outcome {
    /// Returns the names of the tests that failed, as the test program lists them at its end.
    fn failed_tests(&self) -> Vec<&str> {
        let Some((_, list)) = self.output.rsplit_once("\nfailures:\n") else {
            return Vec::new();
        };
        let names = list.lines().map_while(|line| line.strip_prefix("    "));
        names.collect()
    }

    /// Returns what the failed tests printed, or the end of the output of a program that did not report them.
    fn failures(&self) -> &str {
        let mut ends = self.output.rmatch_indices('\n').map(|(at, _)| at);
        let start = self.output.find("\nfailures:\n").or(ends.nth(60));
        &self.output[start.unwrap_or(0)..]
    }
}

/// Additional checks in the same build.
#[derive(Clone, Copy)]
pub(crate) struct Also {
    /// The lints of Clippy.
    pub(crate) lints: bool,
    /// The documentation.
    pub(crate) docs: bool,
}

/// Builds all test programs and runs them and the documentation tests, several at a time.
pub(crate) fn run(steps: &mut Steps, also: Also) -> Result<(), Failure> {
    let programs = build(steps, also)?;
    let mut jobs: VecDeque<Job> = programs.into_iter().map(Job::test).collect();
    let mut documentation = cargo("test --workspace --locked --no-fail-fast --doc");
    if also.lints {
        // Otherwise Cargo would build the libraries again.
        compiler::lint(&mut documentation);
    }
    if also.docs {
        compiler::document(&mut documentation, &[UNDOCUMENTED])
            .map_err(|error| Failure::Input(format!("cannot find this program: {error}")))?;
    }
    // After the first slow program, because tests that run Cargo wait until this has started.
    let job = Job::new("documentation and its tests", documentation);
    jobs.insert(1.min(jobs.len()), job);
    let start = Instant::now();
    let mut outcomes = run_all(jobs)?;
    steps.add("run the tests", start.elapsed());
    let start = Instant::now();
    let passed_alone = repeat(&mut outcomes)?;
    if start.elapsed() > Duration::from_secs(1) {
        steps.add("repeat failed tests alone", start.elapsed());
    }
    report(&outcomes, &passed_alone)
}

/// Repeats the failed tests without other programs at the same time, and returns those that passed then. Failed
/// commands of Cargo are not repeated: they do not depend on time.
fn repeat(outcomes: &mut [Outcome]) -> Result<Vec<String>, Failure> {
    let mut passed_alone = Vec::new();
    for outcome in outcomes {
        if outcome.passed || outcome.job.kind == Kind::Cargo {
            continue;
        }
        let tests: Vec<String> = outcome.failed_tests().into_iter().map(Into::into).collect();
        if !tests.is_empty() {
            outcome.job.command.arg("--exact").args(&tests);
        }
        let (passed, output, _) = run_one(&mut outcome.job, "repeated alone")?;
        outcome.passed = passed;
        if passed {
            let tests = tests.join(", ");
            passed_alone.push(format!("{}: {tests}", outcome.job.name));
        } else {
            outcome.output = output;
        }
    }
    Ok(passed_alone)
}

/// A test program, as Cargo reports it.
struct Program {
    package: String,
    target: String,
    manifest: PathBuf,
    file: PathBuf,
}

/// Builds the test programs and returns them, the slow ones first.
fn build(steps: &mut Steps, also: Also) -> Result<Vec<Program>, Failure> {
    let line = "test --workspace --locked --no-run --message-format=json-render-diagnostics";
    let mut command = cargo(line);
    let mut what = "build the tests";
    if also.lints {
        compiler::lint(&mut command);
        what = "build the tests, with lints";
    }
    command.current_dir(root()).stdout(Stdio::piped());
    let output = steps.output(what, &format!("cargo {line}"), command)?;
    if also.lints {
        // The rest of the targets. `--all-targets` would compile libraries without unit tests as tests.
        let line = "test --workspace --locked --no-run --bench *";
        let mut benchmarks = cargo(line);
        compiler::lint(&mut benchmarks);
        steps.run("lint the benchmarks", &format!("cargo {line}"), benchmarks)?;
    }
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
                    while let Some(mut job) = next(&queue) {
                        let (passed, output, time) = run_one(&mut job, "")?;
                        let outcome = Outcome {
                            job,
                            passed,
                            time,
                            output,
                        };
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

/// Runs a job until its end or its limit and prints its output. Returns whether it succeeded, what it printed, and the
/// time it took.
fn run_one(job: &mut Job, note: &str) -> Result<(bool, String, Duration), Failure> {
    let name = &job.name;
    let failure = |error| Failure::Input(format!("cannot run the tests of {name}: {error}"));
    let mut output = tempfile().map_err(failure)?;
    let start = Instant::now();
    let mut child = job
        .command
        .stdin(Stdio::null())
        .stdout(output.try_clone().map_err(failure)?)
        .stderr(output.try_clone().map_err(failure)?)
        .spawn()
        .map_err(failure)?;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(failure)? {
            break Some(status);
        }
        if start.elapsed() > LIMIT {
            child.kill().map_err(failure)?;
            child.wait().map_err(failure)?;
            break None;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let time = start.elapsed();
    let mut bytes = Vec::new();
    output.rewind().map_err(failure)?;
    output.read_to_end(&mut bytes).map_err(failure)?;
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    if status.is_none() {
        let minutes = LIMIT.as_secs() / 60;
        text += &format!("\nkilled after {minutes} minutes without finishing\n");
    }
    let note = if note.is_empty() {
        String::new()
    } else {
        format!(", {note}")
    };
    print(&format!(
        "\n--- {name}: {:.1} s{note}\n{text}",
        time.as_secs_f64()
    ))?;
    let passed = status.is_some_and(|status| status.success());
    Ok((passed, text, time))
}

/// Creates a file without a name for the output of a program. A pipe would have to be read while the program runs.
fn tempfile() -> std::io::Result<File> {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("xtask-{}-{number}.log", std::process::id());
    let path = std::env::temp_dir().join(name);
    let file = File::options()
        .create_new(true)
        .read(true)
        .append(true)
        .open(&path)?;
    std::fs::remove_file(path)?;
    Ok(file)
}

/// Lists the slowest programs, the tests that passed only alone, and those that failed, with their output.
fn report(outcomes: &[Outcome], passed_alone: &[String]) -> Result<(), Failure> {
    let mut by_time: Vec<&Outcome> = outcomes.iter().collect();
    by_time.sort_by_key(|outcome| std::cmp::Reverse(outcome.time));
    let mut text = String::from("\nslowest test programs, several at a time:\n");
    for outcome in by_time.iter().take(8) {
        let seconds = outcome.time.as_secs_f64();
        text += &format!("{seconds:>7.1} s  {}\n", outcome.job.name);
    }
    if !passed_alone.is_empty() {
        text += "\nthese tests failed at first and passed when they were repeated alone:\n";
        for tests in passed_alone {
            text += &format!("           {tests}\n");
        }
    }
    let failed: Vec<&Outcome> = outcomes.iter().filter(|one| !one.passed).collect();
    for outcome in &failed {
        let failures = outcome.failures();
        text += &format!("\n--- failures of {}:\n{failures}\n", outcome.job.name);
    }
    print(&text)?;
    if failed.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = failed.iter().map(|one| one.job.name.as_str()).collect();
    Err(Failure::Check(format!(
        "tests failed: {}; run one with `cargo test -p PACKAGE --test NAME`",
        names.join(", ")
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

    fn outcome(name: &str, passed: bool, output: &str) -> Outcome {
        Outcome {
            job: Job::new(name, Command::new("false")),
            passed,
            time: Duration::from_secs(1),
            output: output.to_owned(),
        }
    }

    #[test]
    fn failures_are_named() {
        assert!(report(&[outcome("a it", true, "")], &[]).is_ok());
        let outcomes = [outcome("a it", true, ""), outcome("b it", false, "")];
        let error = report(&outcomes, &[]).expect_err("b");
        assert!(
            error.to_string().starts_with("tests failed: b it; "),
            "{error}"
        );
    }

    #[test]
    fn failed_tests_are_read_from_the_end_of_the_output() {
        let output = "running 3 tests\n\nfailures:\n\n---- a::b stdout ----\nwas 1\n\nfailures:\n    a::b\n    c\n\ntest result: FAILED. 1 passed\n";
        let found = outcome("a it", false, output);
        assert_eq!(found.failed_tests(), ["a::b", "c"]);
        assert!(found.failures().contains("was 1"));
        let aborted = outcome(
            "a it",
            false,
            "running 3 tests\nthread panicked at a.rs:1\n",
        );
        assert!(aborted.failed_tests().is_empty());
        assert!(aborted.failures().contains("a.rs:1"));
    }

    #[cfg(unix)]
    fn job(name: &str, script: &str, kind: Kind) -> Job {
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh"]);
        Job {
            kind,
            ..Job::new(name, command)
        }
    }

    #[cfg(unix)]
    #[test]
    fn all_jobs_run_and_failures_are_kept() {
        let jobs = ["true", "false", "true", "true"].map(|line| job(line, line, Kind::Cargo));
        let outcomes = run_all(jobs.into()).map_err(|error| error.to_string());
        let outcomes = outcomes.expect("the programs exist");
        let failed = outcomes.iter().filter(|outcome| !outcome.passed);
        assert_eq!((outcomes.len(), failed.count()), (4, 1));
        let missing = Job::new("missing", Command::new("no-such-program-exists"));
        assert!(run_all([missing].into()).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn failed_tests_are_repeated_alone() {
        let report = "printf '\nfailures:\n    a::b\n\n'; ";
        // Fail at first; the second passes if it is called with the names of its failed tests.
        let always = job("always", &format!("{report} exit 1"), Kind::Tests);
        let busy = format!(r#"[ "$*" = "--exact a::b" ] || {{ {report} exit 1; }}"#);
        let busy = job("busy", &busy, Kind::Tests);
        let cargo = job("cargo", r#"[ $# = 3 ]"#, Kind::Cargo);
        let outcomes = run_all([always, busy, cargo].into()).map_err(|error| error.to_string());
        let mut outcomes = outcomes.expect("the programs exist");
        outcomes.sort_by(|a, b| a.job.name.cmp(&b.job.name));
        assert!(outcomes.iter().all(|outcome| !outcome.passed));
        let alone = repeat(&mut outcomes).map_err(|error| error.to_string());
        assert_eq!(alone.expect("the programs exist"), ["busy: a::b"]);
        let passed: Vec<bool> = outcomes.iter().map(|outcome| outcome.passed).collect();
        assert_eq!(passed, [false, true, false]);
    }
}
