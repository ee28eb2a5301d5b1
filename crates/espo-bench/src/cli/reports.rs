//! Commands that send no load and work on ledgers, reports and metadata.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use espo_bench::{
    CleanOptions, CompareOptions, Credentials, Report, Result, Slo, Workload, output,
    parse_positive_duration,
};

use super::access::{AccessArgs, instance_url};
use super::numbers::percent;
use super::usage;
use super::write::{self, OutputArgs, finish};

#[derive(Debug, Args)]
pub(crate) struct CleanArgs {
    /// Path of the ledger.
    ledger: PathBuf,
    /// URL of the instance. Defaults to the URL in the ledger.
    #[arg(long)]
    url: Option<String>,
    /// How long the cleanup may continue without deleting a record.
    #[arg(long, value_name = "DURATION", value_parser = parse_positive_duration, default_value = "10s")]
    cleanup_timeout: Duration,
    #[command(flatten)]
    access: AccessArgs,
}

impl CleanArgs {
    pub(crate) fn run(&self) -> Result<u8> {
        let options = CleanOptions {
            access: self.access.access()?,
            patience: self.cleanup_timeout,
        };
        if espo_bench::is_unstarted(&self.ledger)? {
            let text = "nothing to delete: the run ended before it created a record\n";
            return finish(Vec::new(), text, 0);
        }
        // A wrong path is reported before missing credentials.
        espo_bench::read_ledger(&self.ledger)?;
        let credentials = Credentials::from_env()?;
        let cleaned = espo_bench::clean(&self.ledger, self.url.as_deref(), credentials, options)?;
        let found = cleaned.removed + cleaned.left;
        let remaining = match cleaned.unconfirmed {
            0 => format!("{} remaining", cleaned.left),
            open => format!("{} remaining or unknown", cleaned.left + open),
        };
        let mut text = format!(
            "{} records in the ledger: {found} found, {} deleted, {remaining}\n",
            found + cleaned.missing + cleaned.unconfirmed,
            cleaned.removed,
        );
        if cleaned.found > 0 {
            text.push_str(&format!(
                "{} of them were found by marker because the create response was lost\n",
                cleaned.found
            ));
        }
        if cleaned.unconfirmed > 0 {
            text.push_str(&format!(
                "{} creates had no response, and their records could not be searched for\n",
                cleaned.unconfirmed
            ));
        }
        for reason in &cleaned.reasons {
            espo_stdio::note!("espo-bench: {reason}");
        }
        let failed = cleaned.is_incomplete() || !cleaned.reasons.is_empty();
        finish(Vec::new(), &text, u8::from(failed))
    }
}

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// Report of the run before the change; with `--`, several reports before the change.
    #[arg(required = true, value_name = "BEFORE")]
    before: Vec<PathBuf>,
    /// Reports of the runs after the change.
    #[arg(last = true, value_name = "AFTER")]
    after: Vec<PathBuf>,
    /// Minimum change for a verdict, in percent.
    #[arg(long, value_name = "PERCENT", value_parser = percent, default_value_t = 5.0)]
    threshold: f64,
    /// Compare runs even if they are not comparable.
    #[arg(long)]
    force: bool,
    /// Write the comparison as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the comparison as one self-contained HTML page.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the comparison as Markdown.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write JUnit XML for CI systems, with one test case per operation.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

impl CompareArgs {
    pub(crate) fn run(mut self) -> Result<u8> {
        let options = CompareOptions {
            threshold: super::threshold(self.threshold)?,
            force: self.force,
            ..CompareOptions::default()
        };
        let is_option =
            |path: &&PathBuf| path.to_string_lossy().starts_with("--") && !path.exists();
        if let Some(option) = self.after.iter().find(is_option) {
            return Err(usage(format!(
                "cannot read the report '{}': everything after `--` is a report; options must precede it",
                option.display()
            )));
        }
        if self.after.is_empty() {
            if self.before.len() != 2 {
                return Err(usage(format!(
                    "compare takes two reports, or several before `--` and several after it; {} given",
                    self.before.len()
                )));
            }
            self.after.extend(self.before.pop());
        }
        let outputs = [&self.json, &self.html, &self.markdown, &self.junit];
        let reports = self.before.iter().chain(&self.after);
        write::check(outputs.into_iter().flatten(), reports)?;
        let (before, after) = (load_all(&self.before)?, load_all(&self.after)?);
        let (a, b): (Vec<_>, Vec<_>) = (before.iter().collect(), after.iter().collect());
        let comparison = espo_bench::compare_sides(&a, &b, options).map_err(usage)?;
        let json = serde_json::to_string_pretty(&comparison).map_err(|e| usage(e.to_string()))?;
        type Form<'a> = &'a dyn Fn() -> String;
        let forms: [(&Option<PathBuf>, Form<'_>); 4] = [
            (&self.json, &|| json.clone()),
            (&self.html, &|| output::comparison_html(&comparison)),
            (&self.markdown, &|| output::comparison_markdown(&comparison)),
            (&self.junit, &|| output::comparison_junit(&comparison)),
        ];
        let mut failures = Vec::new();
        for (path, form) in forms {
            write::file(path.as_ref(), form, &mut failures);
        }
        let table = match write::takes_stdout(outputs.into_iter().flatten()) {
            true => {
                super::note_failures(output::comparison_failures(&comparison));
                String::new()
            }
            false => output::comparison_table(&comparison),
        };
        finish(failures, &table, comparison.exit_code())
    }
}

/// Returns the table; if another output goes to standard output, reports the failures on standard error instead.
fn table(outputs: &OutputArgs, report: &Report) -> String {
    if outputs.takes_stdout() {
        super::note_result(report);
        String::new()
    } else {
        output::table(report)
    }
}

/// Checks that the report has the operations that the SLOs name, as a run checks its workload.
fn check_slos(report: &Report, slos: &[Slo]) -> Result<()> {
    slos.iter()
        .try_for_each(|slo| slo.check_report(report).map_err(usage))
}

fn load_all(files: &[PathBuf]) -> Result<Vec<Report>> {
    files.iter().map(|file| Report::load(file)).collect()
}

#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// JSON reports of all shards.
    #[arg(required = true)]
    shards: Vec<PathBuf>,
    /// SLO for the merged result. Repeatable; see `run --help`.
    #[arg(long, value_name = "LIMIT")]
    slo: Vec<Slo>,
    #[command(flatten)]
    output: OutputArgs,
}

impl MergeArgs {
    pub(crate) fn run(&self) -> Result<u8> {
        self.output.check(None, &self.shards)?;
        let mut merged = espo_bench::merge(load_all(&self.shards)?)?;
        check_slos(&merged, &self.slo)?;
        merged.check(&self.slo);
        let failures = self.output.write(&merged);
        let text = table(&self.output, &merged);
        finish(failures, &text, merged.exit_code())
    }
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// URL of the instance. Defaults to the environment variable ESPO_URL. Credentials are read from the environment,
    /// as for `run`.
    #[arg(long)]
    url: Option<String>,
    /// Metadata instead of an instance: a directory in EspoCRM's layout, or a JSON file returned by `GET Metadata`.
    /// Repeatable; later ones are merged over earlier ones.
    #[arg(
        long,
        value_name = "PATH",
        conflicts_with_all = ["url", "header_env", "gateway_auth_env", "ca_certificate", "client_certificate", "timeout", "connect_to", "proxy", "no_proxy"]
    )]
    metadata: Vec<PathBuf>,
    /// Entity type to include. Repeatable. Defaults to common stock types and all custom types.
    #[arg(long)]
    entity: Vec<String>,
    #[command(flatten)]
    access: AccessArgs,
}

impl InitArgs {
    pub(crate) fn run(&self) -> Result<u8> {
        let written = if self.metadata.is_empty() {
            let url = instance_url(self.url.as_ref()).ok_or_else(|| {
                usage(
                    "no metadata given: pass --url URL, set ESPO_URL, or pass --metadata PATH"
                        .into(),
                )
            })?;
            self.access.note_unused(&url);
            let access = self.access.access()?;
            espo_bench::init(&url, Credentials::from_env()?, access, &self.entity)?
        } else {
            espo_bench::init_from_metadata(&self.metadata, &self.entity)?
        };
        finish(Vec::new(), &written, 0)
    }
}

#[derive(Debug, Args)]
pub(crate) struct WorkloadArgs {
    /// Name of a built-in workload. Lists all of them if omitted.
    name: Option<String>,
}

impl WorkloadArgs {
    pub(crate) fn run(&self) -> Result<u8> {
        let text = match &self.name {
            Some(name) => Workload::builtin(name)?.source().to_owned(),
            None => {
                let line = |name: &str| {
                    let workload = Workload::builtin(name)?;
                    Ok(format!("{name:8}  {}\n", workload.description))
                };
                let lines = Workload::builtin_names().into_iter().map(line);
                lines.collect::<Result<String>>()?
            }
        };
        finish(Vec::new(), &text, 0)
    }
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// JSON report to read.
    report: PathBuf,
    /// Check the report against this SLO instead of the SLOs of its run. Repeatable; see `run --help`.
    #[arg(long, value_name = "LIMIT")]
    slo: Vec<Slo>,
    #[command(flatten)]
    output: OutputArgs,
}

impl ReportArgs {
    pub(crate) fn run(&self) -> Result<u8> {
        self.output.check(None, [&self.report])?;
        let mut report = Report::load(&self.report)?;
        if !self.slo.is_empty() {
            check_slos(&report, &self.slo)?;
            report.check(&self.slo);
        }
        let failures = self.output.write(&report);
        let text = table(&self.output, &report);
        finish(failures, &text, report.exit_code())
    }
}
