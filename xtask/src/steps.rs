//! Tasks that run several commands in a row.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::suite::{self, Also, UNDOCUMENTED};
use crate::{Failure, cargo, print, root};

/// Runs commands one after the other, reports how long each took, and stops at the first that fails.
pub(crate) struct Steps {
    start: Instant,
    taken: Vec<(String, Duration)>,
}

impl Steps {
    fn new() -> Self {
        Self {
            start: Instant::now(),
            taken: Vec::new(),
        }
    }

    /// Runs Cargo with arguments given as one line and with variables in its environment.
    fn cargo(&mut self, what: &str, line: &str, env: &[(&str, &str)]) -> Result<(), Failure> {
        let mut command = cargo(line);
        command.current_dir(root()).envs(env.iter().copied());
        self.run(what, &format!("cargo {line}"), command)
    }

    pub(crate) fn run(&mut self, what: &str, line: &str, command: Command) -> Result<(), Failure> {
        self.output(what, line, command).map(drop)
    }

    /// Runs a command and returns its standard output if that is a pipe.
    pub(crate) fn output(
        &mut self,
        what: &str,
        line: &str,
        mut command: Command,
    ) -> Result<Vec<u8>, Failure> {
        print(&format!("\n=== {what}: {line}\n"))?;
        crate::without_credentials(&mut command);
        let start = Instant::now();
        let output = command
            .spawn()
            .and_then(Child::wait_with_output)
            .map_err(|error| Failure::Input(format!("cannot run {line}: {error}")))?;
        self.add(what, start.elapsed());
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(Failure::Check(format!(
                "{what} failed: `{line}` ended with {}",
                output.status
            )))
        }
    }

    /// Adds a line to the summary.
    pub(crate) fn add(&mut self, what: &str, time: Duration) {
        self.taken.push((what.to_owned(), time));
    }

    /// Installs what some tests need: Chromium for the live page, libfaketime for changes of the wall clock. In CI on
    /// Debian only: elsewhere these tests skip themselves.
    fn install_test_programs(&mut self) -> Result<(), Failure> {
        let responds = |program: &str| {
            let mut command = Command::new(program);
            command
                .arg("--version")
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            command.status().is_ok()
        };
        if !is_set("CI") || !responds("apt-get") {
            return Ok(());
        }
        let mut packages = Vec::new();
        if !responds("chromedriver") {
            packages.extend(["chromium", "chromium-driver"]);
        }
        let faketime = format!(
            "/usr/lib/{}-linux-gnu/faketime/libfaketime.so.1",
            std::env::consts::ARCH
        );
        if !Path::new(&faketime).exists() {
            packages.push("libfaketime");
        }
        if packages.is_empty() {
            return Ok(());
        }
        let line = format!(
            "apt-get install -y --no-install-recommends {}",
            packages.join(" ")
        );
        let mut command = Command::new("sh");
        command.args([
            "-c",
            &format!("apt-get update -qq && DEBIAN_FRONTEND=noninteractive {line} -qq"),
        ]);
        self.run("programs for tests", &line, command)
    }

    /// Reports how long each step took.
    fn summary(&self) -> Result<(), Failure> {
        let mut text = String::from("\n");
        for (what, time) in &self.taken {
            text += &format!("{:>7.1} s  {what}\n", time.as_secs_f64());
        }
        text += &format!("{:>7.1} s  in total\n", self.start.elapsed().as_secs_f64());
        print(&text)
    }
}

/// The `rust-version` of the workspace.
const RUST_VERSION: &str = env!("CARGO_PKG_RUST_VERSION");

/// The steps of `cargo xtask test`.
const TEST: [&str; 5] = ["formatting", "lints", "features", "tests", "docs"];

/// `cargo xtask test`: everything that CI runs.
pub(crate) fn test(mut parser: lexopt::Parser) -> Result<(), Failure> {
    use lexopt::prelude::*;
    let mut only: Vec<String> = Vec::new();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("step") => only.push(parser.value()?.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    if let Some(unknown) = only.iter().find(|name| !TEST.contains(&name.as_str())) {
        return Err(Failure::Input(format!(
            "unknown step `{unknown}`: expected one of {}",
            TEST.join(", ")
        )));
    }
    let selected = |name: &str| only.is_empty() || only.iter().any(|wanted| wanted == name);
    let mut steps = Steps::new();
    if selected("formatting") {
        steps.cargo("formatting", "fmt --all --check", &[])?;
    }
    // Together with the tests, they are part of its build.
    if selected("lints") && !selected("tests") {
        let line = "clippy --workspace --all-targets --locked -- -D warnings";
        steps.cargo("lints", line, &[])?;
    }
    if selected("features") {
        for (package, features) in CLIENT_FEATURES {
            each_feature(&mut steps, package, features)?;
        }
    }
    if selected("tests") {
        steps.install_test_programs()?;
        // That the generated code is up to date is a test of espo-cli.
        let also = Also {
            lints: selected("lints"),
            docs: selected("docs"),
        };
        suite::run(&mut steps, also)?;
    } else if selected("docs") {
        let line = format!("doc --workspace --exclude {UNDOCUMENTED} --no-deps --locked");
        steps.cargo("docs", &line, &[("RUSTDOCFLAGS", "-D warnings")])?;
    }
    steps.summary()
}

/// Features that must compile alone; with `""`, none of them. They are checked on every commit, since the other steps do
/// not compile these combinations.
const CLIENT_FEATURES: [(&str, &[&str]); 4] = [
    // What `cargo xtask codegen` and the demo build.
    ("espo-cli", &[""]),
    ("espo-schema", &["", "stock"]),
    ("espo-core", &["", "native-tls"]),
    ("espo-typed", &["", "account"]),
];

/// Those that take longer or are enabled in the other steps; alone, they are checked before a release.
const FEATURES: [(&str, &[&str]); 5] = [
    ("espo-core", &["derive", "gzip", "rustls"]),
    ("espo-stdio", &["", "signals"]),
    ("espo-typed", &["opportunity", "rustls", "native-tls"]),
    ("espo-sim", &["", "workbooks"]),
    ("espo-cli", &["network", "conformance"]),
];

/// The crates to publish, in the order of their dependencies.
const PACKAGES: [&str; 10] = [
    "espo-stdio",
    "espo-schema",
    "espo-derive",
    "espo-core",
    "espo-codegen",
    "espo-typed",
    "espo-sim",
    "espo-conformance",
    "espo-bench",
    "espo-cli",
];

/// Compiles a package with each of the features alone.
fn each_feature(steps: &mut Steps, package: &str, features: &[&str]) -> Result<(), Failure> {
    for feature in features {
        let name = if feature.is_empty() {
            "no feature"
        } else {
            feature
        };
        let line = format!(
            "clippy --locked -p {package} --no-default-features --features={feature} -- -D warnings"
        );
        steps.cargo(&format!("{package}: {name}"), &line, &[])?;
    }
    Ok(())
}

const DENY: &str = "install cargo-deny --version ^0.20 --locked";

/// Checks the dependencies of both workspaces. Only the advisories need the network; `offline`, the copy of their
/// database from an earlier run is used.
fn dependencies(steps: &mut Steps, offline: bool) -> Result<(), Failure> {
    crate::fuzz::install("deny", DENY)?;
    let checks = [
        (
            "Cargo.toml",
            "check -D unmatched-skip bans licenses sources",
        ),
        ("fuzz/Cargo.toml", "check bans licenses sources"),
        ("Cargo.toml", "check advisories"),
        ("fuzz/Cargo.toml", "check advisories"),
    ];
    for (manifest, check) in checks {
        let what = check
            .rsplit_once("skip ")
            .map_or(&check[6..], |(_, what)| what);
        let flag = if offline { " --offline" } else { "" };
        let line =
            format!("deny --manifest-path {manifest} --config deny.toml --locked{flag} {check}");
        let command = crate::fuzz::cargo(&line);
        steps.run(
            &format!("{manifest}: {what}"),
            &format!("cargo {line}"),
            command,
        )?;
    }
    Ok(())
}

/// `cargo xtask release-check`: checks that must pass before a release and are too slow to run on every commit.
pub(crate) fn release_check(mut parser: lexopt::Parser) -> Result<(), Failure> {
    use lexopt::prelude::*;
    let (mut offline, mut only_dependencies) = (false, false);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("offline") => offline = true,
            Long("dependencies") => only_dependencies = true,
            other => return Err(other.unexpected().into()),
        }
    }
    let mut steps = Steps::new();
    dependencies(&mut steps, offline)?;
    if only_dependencies {
        return steps.summary();
    }
    for (package, features) in CLIENT_FEATURES.into_iter().chain(FEATURES) {
        each_feature(&mut steps, package, features)?;
    }
    let mut oldest = Command::new("rustup");
    let line = format!("run --install {RUST_VERSION} cargo check --workspace --locked");
    oldest.args(line.split_whitespace()).current_dir(root());
    // Set by the Cargo that runs this program; they would select its toolchain.
    for name in ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN"] {
        oldest.env_remove(name);
    }
    steps.run("minimum Rust version", &format!("rustup {line}"), oldest)?;
    let packages: String = PACKAGES.iter().map(|name| format!(" -p {name}")).collect();
    steps.cargo("packages", &format!("package --locked{packages}"), &[])?;
    steps.summary()
}

/// `cargo xtask demo`: generates the SDK and runs a load test against the embedded server.
pub(crate) fn demo(mut parser: lexopt::Parser) -> Result<(), Failure> {
    use lexopt::prelude::*;
    let (mut duration, mut concurrency) = ("10s".to_owned(), 16_u32);
    let mut html = PathBuf::from("target/espo-demo.html");
    while let Some(argument) = parser.next()? {
        match argument {
            Long("duration") => duration = parser.value()?.string()?,
            Long("concurrency") => concurrency = parser.value()?.parse()?,
            Long("html") => html = parser.value()?.into(),
            other => return Err(other.unexpected().into()),
        }
    }
    let html = root().join(html);
    if let Some(folder) = html.parent() {
        std::fs::create_dir_all(folder).map_err(|error| {
            Failure::Input(format!("cannot create {}: {error}", folder.display()))
        })?;
    }
    let mut steps = Steps::new();
    // One profile for all steps, and the one of the tests, so that nothing is built twice. Optimisation would more than
    // double the time until a newcomer sees a result.
    steps.cargo(
        "generate the SDK from metadata/",
        "run --locked -p espo-cli --no-default-features --bin espo -- codegen",
        &[
            ("ESPO_PROGRAM", "cargo xtask"),
            ("ESPO_CONFIG", "espo.toml"),
        ],
    )?;
    steps.cargo(
        "build the load tester with the SDK",
        "build --locked -p espo-bench",
        &[],
    )?;
    let line = format!(
        "run --locked --quiet -p espo-bench -- run mixed --embedded --concurrency {concurrency} --duration {duration} --html"
    );
    let mut command = cargo(&line);
    command.arg(&html).current_dir(root());
    let shown = html
        .strip_prefix(root())
        .unwrap_or(Path::new(&html))
        .display();
    steps.run(
        "run a mixed load on the embedded server, through the SDK",
        &format!("cargo {line} {shown}"),
        command,
    )?;
    steps.summary()?;
    print(&format!(
        "\nReport: {}\nThe demo runs a debug build, so its figures are not measurements. For those: cargo build --release -p espo-bench\n",
        html.display()
    ))
}

fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty())
}
