//! `cargo xtask conformance`.

use std::path::PathBuf;

use espo_conformance::{Error, Report, Suite, Users};
use espo_sim::Sim;

use crate::Failure;

/// Arguments of `cargo xtask conformance`. Credentials come from the environment: `ESPO_API_KEY`, with
/// `ESPO_SECRET_KEY` for a user who signs, and `ESPO_USERNAME` with `ESPO_PASSWORD`, an administrator; optional
/// `ESPO_HMAC_API_KEY` with `ESPO_HMAC_SECRET_KEY`, `ESPO_WEAK_API_KEY`, `ESPO_REGULAR_USERNAME` with
/// `ESPO_REGULAR_PASSWORD`. A behaviour whose user is missing is skipped.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The site to hold the suite against.
    #[arg(long, value_name = "URL", env = "ESPO_URL", required_unless_present_any = ["embedded", "list"])]
    url: Option<String>,
    /// Against the embedded server instead.
    #[arg(long)]
    embedded: bool,
    /// Takes the credentials from a declaration as `espo-sim` reads and prints it.
    #[arg(long, value_name = "FILE", conflicts_with = "embedded")]
    users: Option<PathBuf>,
    /// May change settings of the site, as the administrator, where a behaviour needs it (a second currency), and
    /// restores them at the end.
    #[arg(long)]
    change_settings: bool,
    /// Writes the report as JSON; `-` for standard output, in place of the text.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Only this theme or behaviour, or those whose names begin so; may be repeated.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Names all behaviours with their facts, and asks nobody.
    #[arg(long)]
    list: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    if args.list {
        for (name, fact) in Suite::behaviours() {
            espo_stdio::outln!("{name}  [{fact}]")?;
        }
        return Ok(());
    }
    let report = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(hold(args))?;
    let text = report.text();
    match &args.json {
        Some(path) if path.as_os_str() == "-" => {
            espo_stdio::outln!("{}", serde_json::to_string_pretty(&report)?)?;
        }
        Some(path) => {
            std::fs::write(path, serde_json::to_string_pretty(&report)?)?;
            espo_stdio::out!("{text}")?;
        }
        None => espo_stdio::out!("{text}")?,
    }
    if report.interrupted {
        return Err(Failure::Check("stopped before the end".to_owned()));
    }
    match (report.differs, report.left_behind.len()) {
        (0, 0) => Ok(()),
        (0, left) => Err(Failure::Check(format!(
            "{left} records could not be removed"
        ))),
        (differs, _) => Err(Failure::Check(format!("{differs} behaviours differ"))),
    }
}

async fn hold(args: &Args) -> Result<Report, Failure> {
    // Until the run is over: it stops when it is dropped.
    let mut embedded = None;
    let (url, users) = if args.embedded {
        // With a custom entity type, for the field types that the stock ones hardly have.
        let root = crate::codegen::root();
        let custom = root.join("crates/espo-conformance/fixtures/custom.json");
        let sim = Sim::builder()
            .metadata(root.join("metadata"))
            .metadata(custom)
            .start()
            .await?;
        let sim = embedded.insert(sim);
        (
            sim.url(),
            Users::from_declaration(&serde_json::to_value(sim.users())?),
        )
    } else {
        let users = match &args.users {
            Some(path) => {
                Users::from_declaration(&serde_json::from_str(&std::fs::read_to_string(path)?)?)
            }
            None => Users::from_environment(|name| std::env::var(name).ok()),
        };
        // clap demands one of the two.
        (args.url.clone().unwrap_or_default(), users)
    };
    let mut suite = Suite::new(url, users).change_settings(args.change_settings || args.embedded);
    for name in &args.only {
        suite = suite.only(name);
    }
    let interrupted = async {
        // Where the signal cannot be watched, the run ends by itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        espo_stdio::note!("stopping; removing what the run has made (a second time ends at once)");
        tokio::spawn(async {
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(1);
            }
        });
    };
    suite.run(interrupted).await.map_err(|error| match error {
        Error::Usage(message) => Failure::Input(message),
        Error::Unreachable(message) | Error::Refused(message) => Failure::Unreachable(message),
    })
}
