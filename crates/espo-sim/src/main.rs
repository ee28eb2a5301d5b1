//! The stand-alone server.

#![warn(clippy::print_stdout, clippy::print_stderr)]

use std::io::{ErrorKind, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use espo_sim::{Error, FaultRule, Sim, Version};

/// In-memory server that behaves like EspoCRM's REST API.
#[derive(Debug, Parser)]
#[command(name = "espo-sim", version)]
struct Args {
    /// Address to listen on: host and port; port 0 selects a free one.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0", value_parser = address)]
    listen: String,
    /// Metadata: a JSON file returned by `GET Metadata`, or a directory. Repeatable; later ones are merged over earlier ones.
    #[arg(long, value_name = "PATH")]
    metadata: Vec<PathBuf>,
    /// File with settings, roles, teams, users and records, written by `espo pull --users` or in the format of this
    /// program's output.
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    /// EspoCRM version to simulate: 9.3 or 10.0. Other versions are treated as the nearest of these. Defaults to the
    /// version that the metadata comes from.
    #[arg(long, value_name = "VERSION", value_parser = Version::nearest)]
    espo_version: Option<(Version, bool)>,
    /// Seed for IDs, keys, random faults and sample records; the same seed gives the same data.
    #[arg(long, allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Number of sample records per entity type to create at startup.
    #[arg(long, value_name = "Entity=N,…", value_delimiter = ',', value_parser = entity_count)]
    records: Vec<(String, usize)>,
    /// Fault to inject: `[OPERATION:][10%:|#1,3:|first 5:]KIND`, such as `list:10%:latency 200ms`. Repeatable.
    ///
    /// OPERATION: any, list, read, create, update, delete, related, link, unlink. Kinds: `latency 200ms`, `latency lognormal
    /// MEDIAN SIGMA`, `latency tail USUAL TAIL SHARE%`, `latency spread FROM TO STEPS`, `stall`, `reset`, `reset-in-body
    /// [SHARE%]`, `truncate [SHARE%]`, `slow-body BYTES PAUSE`, `status CODE [retry-after SECONDS | body TEXT]`,
    /// `maintenance`, `no-total`.
    #[arg(long, value_name = "RULE", allow_hyphen_values = true)]
    fault: Vec<FaultRule>,
    /// Snapshot to load. Its users are loaded too, unless --users is given.
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
    /// Lock out addresses after more than ten failed logins in a minute.
    #[arg(long)]
    lockout: bool,
}

fn address(s: &str) -> Result<String, String> {
    let is_name = |host: &str| {
        let part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
        !host.is_empty() && host.chars().all(part)
    };
    let is_port =
        |port: &str| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok();
    let split = s.rsplit_once(':');
    if s.parse::<SocketAddr>().is_ok() || split.is_some_and(|(h, p)| is_name(h) && is_port(p)) {
        return Ok(s.to_owned());
    }
    Err("expected HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080".to_owned())
}

/// Raises the soft limit of file descriptors to the hard limit: in a shell, it is often 1,024.
fn raise_limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let now = getrlimit(Resource::Nofile);
        let raised = Rlimit {
            current: now.maximum,
            ..now
        };
        // Without success, the limit stays as it is.
        let _ = setrlimit(Resource::Nofile, raised);
    }
}

fn entity_count(s: &str) -> Result<(String, usize), String> {
    let (entity, n) = s
        .split_once('=')
        .ok_or("expected Entity=N, such as Account=1000")?;
    let n = n
        .trim()
        .replace('_', "")
        .parse()
        .map_err(|_| format!("`{n}` is not a number of records"))?;
    Ok((entity.trim().to_owned(), n))
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return explain(&error),
    };
    match run(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            espo_stdio::note!("espo-sim: {e}");
            ExitCode::from(2)
        }
    }
}

/// Prints help, the version or a usage error. clap's own `exit` ignores errors of the output.
fn explain(error: &clap::Error) -> ExitCode {
    match error.print().and_then(|()| std::io::stdout().flush()) {
        Err(failed) if !error.use_stderr() && failed.kind() != ErrorKind::BrokenPipe => {
            espo_stdio::note!("espo-sim: cannot write to standard output: {failed}");
            ExitCode::from(2)
        }
        _ => ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2)),
    }
}

async fn run(args: Args) -> Result<(), Error> {
    raise_limit();
    let mut builder = Sim::builder()
        .listen(args.listen)
        .lockout(args.lockout)
        .request_log(0);
    for path in args.metadata {
        builder = builder.metadata(path);
    }
    if let Some(path) = args.users {
        builder = builder.users_file(path);
    }
    if let Some(path) = args.snapshot {
        builder = builder.snapshot(path);
    }
    if let Some((version, exact)) = args.espo_version {
        if !exact {
            espo_stdio::note!(
                "espo-sim: note: simulating version {version}, the nearest supported version"
            );
        }
        builder = builder.version(version);
    }
    if let Some(seed) = args.seed {
        builder = builder.seed(seed);
    }
    for (entity, n) in args.records {
        builder = builder.records(entity, n);
    }
    for rule in args.fault {
        builder = builder.fault(rule);
    }
    let sim = builder.start().await?;
    // The server is useful even if its ready line cannot be written.
    if let Err(error) = espo_stdio::outln!(
        "{}",
        serde_json::json!({"url": sim.url(), "users": sim.users().users})
    ) {
        espo_stdio::note!("espo-sim: {error}; listening on {}", sim.url());
    }
    interrupted().await;
    Ok(())
}

/// Waits for Ctrl-C or a termination signal.
async fn interrupted() {
    match espo_stdio::Signals::listen() {
        Ok(mut signals) => signals.next().await,
        // Without handlers, signals end the process.
        Err(_) => std::future::pending().await,
    }
}
