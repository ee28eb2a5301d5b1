//! Tasks that run several commands in a row.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::codegen::root;

/// Runs commands one after the other, says how long each took, and stops at the first that fails.
pub(crate) struct Steps {
    start: Instant,
    taken: Vec<(String, Duration)>,
}

impl Steps {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            taken: Vec::new(),
        }
    }

    /// Runs `cargo` with arguments given as one line.
    pub(crate) fn cargo(&mut self, what: &str, line: &str) -> Result<(), Failure> {
        self.cargo_env(what, line, &[])
    }

    /// Runs `cargo` with variables in its environment.
    pub(crate) fn cargo_env(
        &mut self,
        what: &str,
        line: &str,
        env: &[(&str, &str)],
    ) -> Result<(), Failure> {
        // The cargo that runs this task, so that one toolchain does everything.
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command
            .args(line.split_whitespace())
            .current_dir(root())
            .envs(env.iter().copied());
        // A clean clone is built once: what the compiler keeps for a next time would be half of what lies on the disk.
        if is_set("CI") && !is_set("CARGO_INCREMENTAL") {
            command.env("CARGO_INCREMENTAL", "0");
        }
        self.run(what, &format!("cargo {line}"), command)
    }

    /// Runs something in this process.
    pub(crate) fn here(
        &mut self,
        what: &str,
        run: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        espo_stdio::outln!("\n=== {what}")?;
        let start = Instant::now();
        run()?;
        self.taken.push((what.to_owned(), start.elapsed()));
        Ok(())
    }

    fn run(&mut self, what: &str, line: &str, mut command: Command) -> Result<(), Failure> {
        espo_stdio::outln!("\n=== {what}: {line}")?;
        let start = Instant::now();
        let status = command
            .status()
            .map_err(|error| Failure::Input(format!("{line}: {error}")))?;
        self.taken.push((what.to_owned(), start.elapsed()));
        if status.success() {
            Ok(())
        } else {
            Err(Failure::Check(format!(
                "{what} failed: `{line}` ended with {status}"
            )))
        }
    }

    /// Says how long each step took.
    pub(crate) fn summary(&self) -> Result<(), Failure> {
        espo_stdio::outln!()?;
        for (what, time) in &self.taken {
            espo_stdio::outln!("{:>7.1} s  {what}", time.as_secs_f64())?;
        }
        espo_stdio::outln!("{:>7.1} s  in all", self.start.elapsed().as_secs_f64())?;
        Ok(())
    }
}

/// `cargo xtask test`: everything that CI runs.
pub(crate) fn test() -> Result<(), Failure> {
    let mut steps = Steps::new();
    steps.cargo("formatting", "fmt --all --check")?;
    steps.here("generated code is up to date", crate::codegen::check_stock)?;
    steps.cargo(
        "lints",
        "clippy --workspace --all-targets --locked -- -D warnings",
    )?;
    steps.cargo("tests", "test --workspace --locked --no-fail-fast")?;
    steps.cargo_env(
        "docs",
        "doc --workspace --no-deps --locked",
        &[("RUSTDOCFLAGS", "-D warnings")],
    )?;
    steps.summary()?;
    Ok(())
}

/// Arguments of `cargo xtask demo`.
#[derive(clap::Args)]
pub(crate) struct DemoArgs {
    /// How long the load lasts.
    #[arg(long, default_value = "10s")]
    duration: String,
    /// How many workers.
    #[arg(long, default_value_t = 16)]
    concurrency: u32,
    /// Where the report goes.
    #[arg(long, default_value = "target/espo-demo.html")]
    html: std::path::PathBuf,
}

/// `cargo xtask demo`: the main job on the embedded server.
pub(crate) fn demo(args: &DemoArgs) -> Result<(), Failure> {
    let mut steps = Steps::new();
    steps.here(
        "the SDK, generated from metadata/",
        crate::codegen::write_stock,
    )?;
    steps.cargo("build", "build --release --locked -p espo-bench")?;
    let html = root().join(&args.html);
    if let Some(folder) = html.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let (duration, concurrency) = (&args.duration, args.concurrency);
    let arguments = format!(
        "run --release --locked --quiet -p espo-bench -- run mixed --embedded --concurrency {concurrency} --duration {duration} --html"
    );
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(arguments.split_whitespace())
        .arg(&html)
        .current_dir(root());
    steps.run(
        "a mixed load on the embedded server, through the SDK",
        &format!("cargo {arguments} {}", shown(&html)),
        command,
    )?;
    steps.summary()?;
    espo_stdio::outln!("\nThe report, for a browser: {}", html.display())?;
    Ok(())
}

fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty())
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .display()
        .to_string()
}
