//! `cargo xtask compare-generators`: compares the cost of `espo-bench` with other load generators.
//!
//! A server with prepared responses runs on one core, the generator on another. The generators alternate over several
//! rounds, so that disturbances of the machine affect all of them. CPU seconds are those that the kernel counted for
//! the whole process, including its start and end. The bare loop runs with the system's allocator, which is the
//! default, and with the allocator of `espo-bench`.

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
    /// Numbers of connections; each gets a table.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64])]
    connections: Vec<u32>,
    /// Duration of each run in seconds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// Number of rounds, with the generators alternating. The figures are medians; six or more rounds also give a
    /// confidence interval, and the check fails only if the whole interval is below the minimum.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Run only these generators (comma-separated): espo-bench, bare, wrk, oha, hey, k6.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Minimum rate of espo-bench as a fraction of the bare reqwest loop's rate with the same decoding.
    #[arg(long, default_value_t = 0.95)]
    least: f64,
    /// Write all figures as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Why the comparison failed.
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

/// Returns the directory of the workspace.
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
    // The directory was created above for this process only, and contains the output of the tools.
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
            "invalid --only {wrong}: expected espo-bench, bare, wrk, oha, hey or k6"
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
            // The order is reversed in every other round, so that a machine that becomes slower favours no generator.
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
            "{} printed no figures ({}):\n{text}{errors}",
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

/// Paths of the programs built for the comparison.
pub(crate) struct Built {
    pub(crate) espo_bench: PathBuf,
    pub(crate) generators: PathBuf,
    /// The same program with the allocator of `espo-bench`.
    pub(crate) mimalloc: PathBuf,
}

/// Builds in release mode and returns the paths reported by Cargo.
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
            .ok_or_else(|| Failure::Check(format!("cargo did not build the program '{name}'")))
    };
    Ok(Built {
        espo_bench: find("espo-bench")?,
        generators: find("generators")?,
        mimalloc: find("generators_mimalloc")?,
    })
}
