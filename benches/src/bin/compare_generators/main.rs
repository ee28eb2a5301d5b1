//! `cargo xtask compare-generators`: what `espo-bench` costs beside other load generators.
//!
//! A server with prepared answers has one core, the generator another. The generators run in turn, several
//! rounds of them, so that what the machine does meanwhile meets all alike; CPU seconds are what the kernel
//! counted for the whole process, start and end included. The bare loop runs with the system's allocator, as anyone
//! writes it, and with the one that `espo-bench` brings.

mod result;
mod server;
mod tools;

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use clap::Parser as _;
use serde_json::Value;

use self::result::{Cell, Measured, Results};
use self::server::{Server, cores, pinned};
use self::tools::{Plan, Tool};

/// Compare the load tester's speed and CPU use with other load generators.
#[derive(clap::Parser)]
#[command(
    name = "compare-generators",
    bin_name = "cargo xtask compare-generators"
)]
struct Args {
    /// Connections, one table each.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64])]
    connections: Vec<u32>,
    /// Seconds of each run.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// Rounds, with the generators alternating. The figures are medians; six rounds or more give an interval, and only a
    /// shortfall of the whole interval fails.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Only these generators, separated by commas: espo-bench, bare, wrk, oha, hey, k6.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Least share of the bare reqwest loop's rate that espo-bench must reach with the same decoding.
    #[arg(long, default_value_t = 0.95)]
    least: f64,
    /// Writes all figures as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// How the comparison fails.
enum Failure {
    /// A check failed.
    Check(String),
    /// Invalid usage or input.
    Input(String),
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Input(error.to_string())
    }
}

fn main() -> ExitCode {
    let (message, code) = match run(&Args::parse()) {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Check(message)) => (message, 1),
        Err(Failure::Input(message)) => (message, 2),
    };
    espo_stdio::note!("error: {message}");
    ExitCode::from(code)
}

/// The directory of the workspace.
fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn run(args: &Args) -> Result<(), Failure> {
    let (server_core, client_core) = cores()?;
    let built = build()?;
    let server = Server::start(&built.generators, server_core)?;
    let folder = std::env::temp_dir().join(format!("espo-generators-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let measured = measure(args, &built, &server, client_core, &folder);
    // Made above and full of what the tools wrote: nobody else's.
    let removed = std::fs::remove_dir_all(&folder);
    let results = measured?;
    removed?;
    if let Some(path) = &args.json {
        std::fs::write(path, results.json())?;
    }
    espo_stdio::out!("{}", results.table(args.seconds, args.rounds))?;
    results.check(args.least).map_err(Failure::Check)
}

fn measure(
    args: &Args,
    built: &Built,
    server: &Server,
    core: usize,
    folder: &std::path::Path,
) -> Result<Results, Failure> {
    let known = tools::all(built, folder)?;
    if let Some(wrong) = args
        .only
        .iter()
        .find(|name| known.iter().all(|tool| tool.family != name.as_str()))
    {
        return Err(Failure::Input(format!(
            "--only {wrong}: there is espo-bench, bare, wrk, oha, hey and k6"
        )));
    }
    let wanted =
        |tool: &Tool| args.only.is_empty() || args.only.iter().any(|name| name == tool.family);
    let (present, absent): (Vec<Tool>, Vec<Tool>) =
        known.into_iter().filter(wanted).partition(Tool::is_present);
    let mut results = Results::new(server.body_bytes()?);
    results.absent = absent.iter().map(|tool| (tool.name, tool.source)).collect();
    for &connections in &args.connections {
        let plan = Plan {
            url: server.url.clone(),
            connections,
            seconds: args.seconds,
        };
        let mut cells: Vec<Cell> = present.iter().map(|tool| Cell::new(tool.name)).collect();
        for round in 0..args.rounds {
            let mut order: Vec<usize> = (0..present.len()).collect();
            // There and back again: a machine that gets slower by the minute favours nobody.
            if round % 2 == 1 {
                order.reverse();
            }
            for index in order {
                let tool = &present[index];
                let one = measure_one(tool, &plan, server, core)?;
                espo_stdio::note!(
                    "{connections:>4} connections, round {}: {:22} {:>8.0}/s, {:.3} CPU s per 10,000",
                    round + 1,
                    tool.name,
                    one.rate,
                    one.cpu_per_10k
                );
                cells[index].rounds.push(one);
            }
        }
        results.tables.push((connections, cells));
    }
    Ok(results)
}

/// Runs a generator once.
fn measure_one(
    tool: &Tool,
    plan: &Plan,
    server: &Server,
    core: usize,
) -> Result<Measured, Failure> {
    let mut command = pinned(core, &tool.program);
    command.args((tool.arguments)(plan)).stdin(Stdio::null());
    for (name, value) in &tool.environment {
        command.env(name, value);
    }
    let (count, cpu) = (server.count()?, server::children_cpu()?);
    let output = command
        .output()
        .map_err(|error| Failure::Input(format!("{}: {error}", tool.name)))?;
    let (count, cpu) = (server.count()? - count, server::children_cpu()? - cpu);
    let text = String::from_utf8_lossy(&output.stdout);
    let failed = || {
        let errors = String::from_utf8_lossy(&output.stderr);
        Failure::Input(format!(
            "{} gave no figures ({}):\n{text}{errors}",
            tool.name, output.status
        ))
    };
    if !output.status.success() {
        return Err(failed());
    }
    let said = (tool.read)(&text).map_err(|reason| {
        let Failure::Input(mut message) = failed() else {
            return failed();
        };
        message.push_str(&reason);
        Failure::Input(message)
    })?;
    if said.failed > 0 {
        return Err(Failure::Check(format!(
            "{}: {} requests failed",
            tool.name, said.failed
        )));
    }
    Ok(Measured {
        rate: said.rate,
        requests: said.requests,
        served: count,
        cpu_per_10k: cpu * 10_000.0 / count.max(1) as f64,
    })
}

/// What has been built for the comparison.
pub(crate) struct Built {
    pub(crate) espo_bench: PathBuf,
    pub(crate) generators: PathBuf,
    /// The same with the allocator of `espo-bench`.
    pub(crate) mimalloc: PathBuf,
}

/// Builds in release and asks Cargo where it put the programs.
fn build() -> Result<Built, Failure> {
    const LINE: &str = "build --release --locked -p espo-bench --bin espo-bench --example generators --example generators_mimalloc --message-format json-render-diagnostics";
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(LINE.split_whitespace())
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(Failure::Check(format!("`cargo {LINE}` failed")));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let find = |name: &str| {
        text.lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|message| message.pointer("/target/name").is_some_and(|n| n == name))
            .find_map(|message| Some(PathBuf::from(message.get("executable")?.as_str()?)))
            .ok_or_else(|| Failure::Check(format!("cargo built no program '{name}'")))
    };
    Ok(Built {
        espo_bench: find("espo-bench")?,
        generators: find("generators")?,
        mimalloc: find("generators_mimalloc")?,
    })
}
