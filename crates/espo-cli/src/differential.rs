//! `espo differential`.

use std::path::PathBuf;

use espo_conformance::{Comparison, Differential, Instance, Users};
use espo_schema::Schema;
use espo_sim::{Sim, Version};

use crate::arguments;
use crate::config::{Config, FILE};
use crate::conformance::{check_output, declaration, failure, print};
use crate::credentials::Variables;
use crate::failure::Failure;
use crate::interrupt::interrupted;

/// Send generated requests to a server and to the simulator, and report where the responses differ.
///
/// The simulator starts with the metadata, settings, users and permissions of the server. Requests are random walks
/// over its entity types: records are created, changed, read, listed, linked and deleted as different users.
/// Differences are grouped by cause, with the shortest sequence of requests that shows them. Records are deleted at
/// the end. Use a test instance, or pass --read-only. Exits with 1 if a response differs.
#[derive(clap::Args)]
#[command(
    after_long_help = "Credentials are read from the environment, or from the file set by ESPO_CREDENTIALS or \
                       `credentials` in espo.toml: ESPO_API_KEY (with ESPO_SECRET_KEY for HMAC), ESPO_USERNAME and \
                       ESPO_PASSWORD (an administrator), ESPO_WEAK_API_KEY (few permissions), ESPO_REGULAR_USERNAME \
                       and ESPO_REGULAR_PASSWORD. --users reads them from a file instead."
)]
pub(crate) struct Args {
    /// URL of the instance. Defaults to `url` under [instance] in espo.toml.
    #[arg(long, alias = "real", value_name = "URL", env = "ESPO_URL")]
    url: Option<String>,
    /// Read up to six existing records of each entity type and write nothing.
    #[arg(long)]
    read_only: bool,
    /// Seed of the walks; for the same metadata, the same seed gives the same requests.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Number of requests to compare.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    requests: usize,
    /// JSON file with users, roles and teams of the server, with their IDs, in the format that espo-sim reads and prints. By
    /// default, they are read from the server.
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    /// EspoCRM version to simulate. Defaults to the version that the server reports.
    #[arg(long, value_name = "VERSION", value_parser = Version::nearest)]
    espo_version: Option<(Version, bool)>,
    /// Entity type to use. Repeatable. Defaults to all entity types with business records.
    #[arg(long = "entity", value_name = "TYPE")]
    entities: Vec<String>,
    /// Report the first request that shows each difference, without searching for the shortest sequence.
    #[arg(long)]
    no_shrink: bool,
    /// Write the requests and the responses of the server to this file, without credentials, to compare the simulator with
    /// them later.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Write the report as JSON; `-` writes it to standard output instead of the text.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, config: &Config) -> Result<(), Failure> {
    for path in [&args.json, &args.record] {
        check_output(path.as_deref())?;
    }
    let report = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Input(format!("cannot start the runtime: {error}")))?
        .block_on(compare(args, config))?;
    print(&report, report.text(), args.json.as_deref())?;
    if report.interrupted {
        return Err(Failure::Check(
            "the run was stopped before it was complete".to_owned(),
        ));
    }
    match report.identical.of - report.identical.agree {
        0 => Ok(()),
        n => Err(Failure::Check(format!(
            "{n} of {} responses differ",
            report.identical.of
        ))),
    }
}

async fn compare(args: &Args, config: &Config) -> Result<Comparison, Failure> {
    let url = args.url.clone().filter(|url| !url.is_empty()).or_else(|| config.instance.url.clone()).ok_or_else(|| {
        Failure::Input(format!(
            "no instance given: pass --url URL, set ESPO_URL, or set `url` under [instance] in {FILE}"
        ))
    })?;
    arguments::base_url(&url)?;
    let declared = args.users.as_deref().map(declaration).transpose()?;
    let users = match &declared {
        Some(declared) => Users::from_declaration(declared),
        None => {
            let variables = Variables::load(config)?;
            Users::from_environment(|name| variables.get(name))
        }
    };
    let mut instance = Instance::fetch(&url, &users).await.map_err(failure)?;
    if let Some(declared) = declared {
        instance.declaration = declared;
    }
    let schema = Schema::from_value(instance.metadata.clone(), &url)?;
    for required in ["Role", "Team", "User"] {
        if !schema.entity_types.contains_key(required) {
            return Err(Failure::Input(format!(
                "cannot simulate the instance: its metadata, as this user sees it, lacks the entity type {required}; also set ESPO_USERNAME and ESPO_PASSWORD of an administrator"
            )));
        }
    }
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
            .add_records(&url, &users, &types)
            .await
            .map_err(failure)?;
    }
    let (version, exact) = match args.espo_version {
        Some(version) => version,
        None => Version::nearest(&instance.version).map_err(Failure::Input)?,
    };
    if !exact {
        espo_stdio::note!(
            "note: simulating version {version}, the nearest supported version to {}",
            instance.version
        );
    }
    // The simulator stops when this value is dropped, so it is kept until the run has ended.
    let sim = Sim::builder()
        .schema(schema)
        .version(version)
        .users(serde_json::from_value(instance.declaration.clone())?)
        .settings(instance.settings.as_object().cloned().unwrap_or_default())
        .request_log(0)
        .start()
        .await
        .map_err(|error| Failure::Input(format!("cannot start the simulator: {error}")))?;
    let mut differential = Differential::new(&url, sim.url(), users, instance)
        .seed(args.seed)
        .requests(args.requests)
        .read_only(args.read_only)
        .shrink(!args.no_shrink);
    if let Some(path) = &args.record {
        differential = differential.record(path);
    }
    for entity in &args.entities {
        differential = differential.only(entity);
    }
    differential.run(interrupted()).await.map_err(failure)
}
