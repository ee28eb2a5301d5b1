//! The trend command.

use std::path::PathBuf;

use clap::Args;
use espo_bench::{Report, Result, TrendOptions, output, trend};

use super::numbers::percent;
use super::write::{self, finish};

#[derive(Debug, Args)]
pub(crate) struct TrendArgs {
    /// JSON reports of the runs, in any order.
    #[arg(required = true, value_name = "REPORT")]
    reports: Vec<PathBuf>,
    /// Write an HTML page with charts.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write CSV with one row per run and operation.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write the figures and changes as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Minimum change of the median to mark, in percent; twice this value for the 99th percentile.
    #[arg(long, value_name = "PERCENT", value_parser = percent, default_value_t = 5.0)]
    threshold: f64,
    /// Exit with code 1 if the newest change of any operation is a regression.
    #[arg(long)]
    check: bool,
}

impl TrendArgs {
    pub(crate) fn run(&self) -> Result<u8> {
        let options = TrendOptions {
            threshold: super::threshold(self.threshold)?,
        };
        let outputs = [&self.html, &self.csv, &self.json].into_iter().flatten();
        write::check(outputs, &self.reports)?;
        let reports = self.reports.iter().map(|path| {
            let name = path.file_name().unwrap_or(path.as_os_str());
            let name = name.to_string_lossy();
            Ok((
                espo_stdio::one_line(&name).into_owned(),
                Report::load(path)?,
            ))
        });
        let reports = reports.collect::<Result<Vec<_>>>()?;
        let mut known = std::collections::BTreeMap::new();
        for (name, report) in &reports {
            let run = &report.run;
            let key = (&run.id, &run.started, run.shard.as_ref().map(|s| s.index));
            if let Some(other) = known.insert(key, name) {
                return Err(super::usage(format!(
                    "{other} and {name} are the same run; pass each run once, because a change must last for several runs"
                )));
            }
        }
        let trend = trend(&reports, options);
        let mut failures = Vec::new();
        write::file(
            self.html.as_ref(),
            || output::trend_html(&trend),
            &mut failures,
        );
        write::file(
            self.csv.as_ref(),
            || output::trend_csv(&trend),
            &mut failures,
        );
        write::file(
            self.json.as_ref(),
            || serde_json::to_string_pretty(&trend).expect("a trend is plain data"),
            &mut failures,
        );
        let code = u8::from(self.check && trend.ends_worse());
        let outputs = [&self.html, &self.csv, &self.json].into_iter().flatten();
        let text = match write::takes_stdout(outputs) {
            true => {
                let worse = "the newest change of an operation is a regression";
                super::note_failures((code > 0).then(|| worse.to_owned()));
                String::new()
            }
            false => output::trend_text(&trend),
        };
        finish(failures, &text, code)
    }
}
