//! `cargo xtask differential`.

use std::path::PathBuf;

use espo_conformance::{Comparison, Differential, Error, Instance, Users};
use espo_schema::Schema;
use espo_sim::{Sim, Version};
use serde_json::Value;

use crate::Failure;

/// Arguments of `cargo xtask differential`. Credentials come from `--users`, or from the environment: `ESPO_API_KEY`, with
/// `ESPO_SECRET_KEY` for a user who signs, and `ESPO_USERNAME` with `ESPO_PASSWORD`, an administrator; optional
/// `ESPO_WEAK_API_KEY`, `ESPO_REGULAR_USERNAME` with `ESPO_REGULAR_PASSWORD`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// URL of the real server. Unless --read-only is given, records are created and deleted there
    #[arg(long, value_name = "URL", env = "ESPO_URL")]
    real: String,
    /// Read up to six existing records of each entity type and write nothing
    #[arg(long)]
    read_only: bool,
    /// Seed of the walks; equal seeds give equal requests for equal metadata
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Number of requests to compare
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    requests: usize,
    /// Users, roles and teams of the real server with their IDs, in the form that `espo-sim` reads. By default, they are
    /// read from the server
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    /// EspoCRM version that the simulator behaves as. Defaults to the version that the server reports
    #[arg(long, value_name = "VERSION", value_parser = Version::nearest)]
    espo_version: Option<(Version, bool)>,
    /// Entity type to use; repeatable. Defaults to all that hold business records
    #[arg(long = "entity", value_name = "TYPE")]
    entities: Vec<String>,
    /// Report only the first request of each difference, without searching for the shortest sequence
    #[arg(long)]
    no_shrink: bool,
    /// Write the report as JSON; `-` for standard output, in place of the text
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let report = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(compare(args))?;
    match &args.json {
        Some(path) if path.as_os_str() == "-" => {
            espo_stdio::outln!("{}", serde_json::to_string_pretty(&report)?)?;
        }
        Some(path) => {
            std::fs::write(path, serde_json::to_string_pretty(&report)?)?;
            espo_stdio::out!("{}", report.text())?;
        }
        None => espo_stdio::out!("{}", report.text())?,
    }
    if report.interrupted {
        return Err(Failure::Check("stopped before the end".to_owned()));
    }
    match report.identical.of - report.identical.agree {
        0 => Ok(()),
        n => Err(Failure::Check(format!("{n} requests differ"))),
    }
}

async fn compare(args: &Args) -> Result<Comparison, Failure> {
    let declaration: Option<Value> = match &args.users {
        Some(path) => Some(serde_json::from_str(&std::fs::read_to_string(path)?)?),
        None => None,
    };
    let users = match &declaration {
        Some(declaration) => Users::from_declaration(declaration),
        None => Users::from_environment(|name| std::env::var(name).ok()),
    };
    let mut instance = Instance::fetch(&args.real, &users).await.map_err(failure)?;
    if let Some(declaration) = declaration {
        instance.declaration = declaration;
    }
    let schema = Schema::from_value(instance.metadata.clone(), &args.real)?;
    if args.read_only {
        let types: Vec<&str> = match args.entities.as_slice() {
            [] => schema
                .entity_types
                .values()
                .filter(|e| e.scope.entity && e.scope.object)
                .map(|e| e.name.as_str())
                .collect(),
            some => some.iter().map(String::as_str).collect(),
        };
        instance
            .add_records(&args.real, &users, &types)
            .await
            .map_err(failure)?;
    }
    let (version, exact) = match args.espo_version {
        Some(version) => version,
        None => Version::nearest(&instance.version).map_err(Failure::Input)?,
    };
    if !exact {
        espo_stdio::note!(
            "note: version {} is compared with the simulator as {version}, the nearest known version",
            instance.version
        );
    }
    // Until the run is over: it stops when it is dropped.
    let sim = Sim::builder()
        .schema(schema)
        .version(version)
        .users(serde_json::from_value(instance.declaration.clone())?)
        .settings(instance.settings.as_object().cloned().unwrap_or_default())
        .request_log(0)
        .start()
        .await?;
    let mut differential = Differential::new(&args.real, sim.url(), users, instance)
        .seed(args.seed)
        .requests(args.requests)
        .read_only(args.read_only)
        .shrink(!args.no_shrink);
    for entity in &args.entities {
        differential = differential.only(entity);
    }
    let interrupted = async {
        // Where the signal cannot be watched, the run ends by itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    differential.run(interrupted).await.map_err(failure)
}

fn failure(error: Error) -> Failure {
    match error {
        Error::Usage(message) => Failure::Input(message),
        Error::Unreachable(message) | Error::Refused(message) => Failure::Unreachable(message),
    }
}
