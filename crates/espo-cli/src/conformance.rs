//! `espo conformance`.

use std::fs::OpenOptions;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use espo_conformance::{Error, Finding, Report, Suite, Users, Verdict};
use espo_schema::Schema;
use espo_sim::Sim;

use crate::arguments;
use crate::config::{Config, FILE};
use crate::credentials::Variables;
use crate::failure::Failure;
use crate::interrupt::interrupted;

/// Run the conformance suite against a server and report where it behaves differently from EspoCRM.
///
/// Creates records and deletes them at the end, even after a failure or Ctrl-C. Use a test instance. Checks for which
/// no user is given are skipped. Exits with 1 if a check fails, or if fewer than half of the checks ran.
#[derive(clap::Args)]
#[command(
    after_long_help = "Credentials are read from the environment, or from the file set by ESPO_CREDENTIALS or \
                       `credentials` in espo.toml: ESPO_USERNAME and ESPO_PASSWORD (an administrator), ESPO_API_KEY \
                       (with ESPO_SECRET_KEY for HMAC), ESPO_HMAC_API_KEY and ESPO_HMAC_SECRET_KEY, ESPO_WEAK_API_KEY \
                       (few permissions), ESPO_REGULAR_USERNAME and ESPO_REGULAR_PASSWORD. --users reads them from a \
                       file instead."
)]
pub(crate) struct Args {
    /// URL of the instance. Defaults to `url` under [instance] in espo.toml.
    #[arg(long, value_name = "URL", env = "ESPO_URL")]
    url: Option<String>,
    /// Test the embedded server.
    #[arg(long)]
    embedded: bool,
    /// JSON file with users and their credentials, in the format that espo-sim reads and prints.
    #[arg(long, value_name = "FILE", conflicts_with = "embedded")]
    users: Option<PathBuf>,
    /// Allow checks to change settings as the administrator, for example to add a second currency. The settings are
    /// restored at the end.
    #[arg(long)]
    change_settings: bool,
    /// Write the report as JSON; `-` writes it to standard output instead of the text.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Run only the checks whose topic or name starts with NAME. Repeatable.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// List the checks and the EspoCRM versions that they apply to, without sending requests.
    #[arg(long)]
    list: bool,
}

pub(crate) fn run(args: &Args, config: &Config) -> Result<(), Failure> {
    if args.list {
        let all = Suite::new("", Users::default());
        for (name, versions) in selection(all, args).selected().map_err(failure)? {
            espo_stdio::outln!("{name}  ({versions})")?;
        }
        return Ok(());
    }
    check_output(args.json.as_deref())?;
    let report = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Input(format!("cannot start the runtime: {error}")))?
        .block_on(suite(args, config))?;
    print(&report, report.text(), args.json.as_deref())?;
    if report.interrupted {
        return Err(Failure::Check(
            "the run was stopped before it was complete".to_owned(),
        ));
    }
    let problem = match (report.differs, report.left_behind.len()) {
        (0, 0) if report.is_representative() => return Ok(()),
        (0, 0) => few_checks(&report),
        (0, left) => format!("{left} records could not be deleted; the report lists them"),
        (1, _) => "1 check failed".to_owned(),
        (differs, _) => format!("{differs} checks failed"),
    };
    Err(Failure::Check(problem))
}

/// A run in which few checks ran must not look like a success.
fn few_checks(report: &Report) -> String {
    let applicable = report.applicable();
    if applicable == 0 {
        return format!(
            "none of the {} selected checks applies to EspoCRM {}; select others with --only",
            report.behaviours.len(),
            report.server_version
        );
    }
    let ran = match report.holds {
        0 => "none".to_owned(),
        n => format!("only {n}"),
    };
    let reason = report
        .main_reason_for_skipping()
        .map_or_else(String::new, |(why, _)| {
            format!(" (most frequent reason for skipping: {why})")
        });
    format!(
        "{ran} of {applicable} checks ran{reason}; pass the credentials of more users, or of users with more permissions"
    )
}

async fn suite(args: &Args, config: &Config) -> Result<Report, Failure> {
    // The server stops when this value is dropped, so it is kept until the run has ended.
    let mut embedded = None;
    let (url, users) = if args.embedded {
        let sim = embedded.insert(embedded_server().await?);
        (
            sim.url(),
            Users::from_declaration(&serde_json::to_value(sim.users())?),
        )
    } else {
        let url = args.url.clone().filter(|url| !url.is_empty()).or_else(|| config.instance.url.clone()).ok_or_else(|| {
            Failure::Input(format!(
                "no instance given: pass --url URL or --embedded, set ESPO_URL, or set `url` under [instance] in {FILE}"
            ))
        })?;
        arguments::base_url(&url)?;
        let users = match &args.users {
            Some(path) => Users::from_declaration(&declaration(path)?),
            None => {
                let variables = Variables::load(config)?;
                Users::from_environment(|name| variables.get(name))
            }
        };
        (url, users)
    };
    let suite = Suite::new(url, users).change_settings(args.change_settings || args.embedded);
    let mut suite = selection(suite, args);
    if std::io::stderr().is_terminal() {
        suite = suite.observer(show_progress);
    }
    suite.run(interrupted()).await.map_err(failure)
}

/// Applies `--only`.
fn selection(suite: Suite, args: &Args) -> Suite {
    args.only.iter().fold(suite, |suite, name| suite.only(name))
}

/// Fails before a run whose report could not be written at its end.
pub(crate) fn check_output(path: Option<&Path>) -> Result<(), Failure> {
    let Some(path) = path.filter(|path| path.as_os_str() != "-") else {
        return Ok(());
    };
    let is_new = !path.exists();
    if !is_new && !path.is_file() && !path.is_dir() {
        // The reader of a pipe would mistake a writer that closes it for the end of the report.
        return Ok(());
    }
    let opened = OpenOptions::new().append(true).create(true).open(path);
    opened.map_err(|error| Failure::file("write the report to", path, error))?;
    if is_new {
        // A run without a report leaves no file, or an empty one if it cannot be deleted.
        let _ = std::fs::remove_file(path);
    }
    Ok(())
}

/// Prints the report as text, and writes it as JSON to the path, or to standard output instead of the text.
pub(crate) fn print(
    report: &impl serde::Serialize,
    text: String,
    json: Option<&Path>,
) -> Result<(), Failure> {
    match json {
        Some(path) if path.as_os_str() == "-" => {
            espo_stdio::outln!("{}", serde_json::to_string_pretty(report)?)?;
        }
        Some(path) => {
            espo_stdio::out!("{text}")?;
            std::fs::write(path, serde_json::to_string_pretty(report)?)
                .map_err(|error| Failure::file("write the report to", path, error))?;
        }
        None => espo_stdio::out!("{text}")?,
    }
    Ok(())
}

pub(crate) fn failure(error: Error) -> Failure {
    match error {
        Error::Usage(message) => Failure::Input(message),
        Error::Unreachable(message) | Error::Refused(message) => Failure::Unreachable(message),
    }
}

/// Prints the progress every 50 checks, and each failed check immediately.
fn show_progress(done: usize, total: usize, finding: &Finding) {
    if matches!(finding.verdict, Verdict::Differs(_)) {
        espo_stdio::note!("failed: {}", finding.name);
    }
    if done.is_multiple_of(50) {
        espo_stdio::note!("{done} of {total} checks finished");
    }
}

/// The stock schema with a custom entity type that has fields of the types that are rare in the stock schema.
async fn embedded_server() -> Result<Sim, Failure> {
    let custom: serde_json::Value = serde_json::from_str(espo_conformance::CUSTOM_METADATA)?;
    let layer = tempfile::NamedTempFile::new()
        .map_err(|error| Failure::Input(format!("cannot create a temporary file: {error}")))?;
    std::fs::write(layer.path(), custom.to_string())
        .map_err(|error| Failure::file("write", layer.path(), error))?;
    let schema = Schema::stock().overlay(&[layer.path()])?;
    Sim::builder()
        .schema(schema)
        .start()
        .await
        .map_err(|error| Failure::Input(format!("cannot start the embedded server: {error}")))
}

pub(crate) fn declaration(path: &Path) -> Result<serde_json::Value, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file("read", path, error))?;
    serde_json::from_str(&text)
        .map_err(|error| Failure::Input(format!("invalid users file {}: {error}", path.display())))
}
