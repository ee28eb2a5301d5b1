//! Reads reports from files.

use std::borrow::Cow;
use std::io::Read as _;
use std::path::Path;

use serde_json::Value;

use super::{FORMAT_VERSION, Report};
use crate::error::{Error, Result};

impl Report {
    /// Reads a report that a run wrote with `--json`; `-` is standard input.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Io`] if the file cannot be read, and [`Error::Usage`] if it is not a report or has a newer
    /// format.
    pub fn load(path: &Path) -> Result<Self> {
        let wrong = |what: String| Error::usage(format!("{}: {what}", path.display()));
        if path.is_dir() {
            return Err(wrong(
                "this is a directory; pass the reports in it, such as DIRECTORY/*.json".into(),
            ));
        }
        let mut bytes = Vec::new();
        let read = match path.as_os_str() == "-" {
            true => std::io::stdin().read_to_end(&mut bytes),
            false => std::fs::File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)),
        };
        read.map_err(Error::reading(path))?;
        if bytes.starts_with(&[0x1f, 0x8b]) {
            return Err(wrong(
                "the file is compressed; decompress it with gunzip".into(),
            ));
        }
        let text = decode(bytes)
            .ok_or_else(|| wrong("not an espo-bench report: the file is not UTF-8 text".into()))?;
        let report = without_messages(&text);
        if let (true, Some(message)) = (report.trim().is_empty(), text.lines().find(is_message)) {
            return Err(wrong(format!(
                "the log of a run that wrote no report: {}",
                espo_stdio::one_line(message)
            )));
        }
        Self::from_json(&report).map_err(wrong)
    }

    /// Parses a report from JSON.
    ///
    /// # Errors
    ///
    /// Returns a message with the problem.
    pub fn from_json(text: &str) -> Result<Self, String> {
        #[derive(serde::Deserialize)]
        struct Head {
            format: String,
            version: u32,
        }
        if text.trim().is_empty() {
            return Err("not an espo-bench report: the file is empty".into());
        }
        if !text.trim_start().starts_with('{') {
            return Err("not an espo-bench report: expected a JSON object".into());
        }
        let head: Head = serde_json::from_str(text)
            .map_err(|e| format!("not an espo-bench report: {}", json_problem(&e)))?;
        if head.format != "espo-bench-report" {
            return Err(format!("not an espo-bench report but '{}'", head.format));
        }
        if head.version > FORMAT_VERSION {
            return Err(format!(
                "unsupported report format {}: this version of espo-bench reads up to format {FORMAT_VERSION}",
                head.version
            ));
        }
        let damaged = |e: serde_json::Error| format!("damaged report: {e}");
        let mut value: Value = serde_json::from_str(text).map_err(damaged)?;
        show_on_one_line(&mut value);
        let report: Self = serde_json::from_value(value).map_err(damaged)?;
        report
            .check_figures()
            .map_err(|m| format!("damaged report: {m}"))?;
        Ok(report)
    }

    /// Checks that figures which belong together agree.
    fn check_figures(&self) -> Result<(), String> {
        if !(self.run.seconds.is_finite() && self.run.seconds >= 0.0) {
            return Err(format!(
                "invalid duration of the run: {} s",
                self.run.seconds
            ));
        }
        let outcomes = self.operations.iter().flat_map(|operation| {
            let outcomes = operation.outcomes.iter();
            outcomes.map(move |outcome| (operation, outcome))
        });
        for (operation, outcome) in outcomes {
            for times in [&outcome.service, &outcome.response] {
                let found = times.to_histogram()?.len();
                if found != times.count {
                    return Err(format!(
                        "a histogram of {} has {found} values instead of {}",
                        operation.name, times.count
                    ));
                }
            }
        }
        Ok(())
    }
}

/// Decodes UTF-8, and UTF-16 with a byte order mark, which PowerShell writes for `> report.json`.
fn decode(bytes: Vec<u8>) -> Option<String> {
    let units: fn([u8; 2]) -> u16 = match bytes.as_slice() {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        [0xef, 0xbb, 0xbf, rest @ ..] => return String::from_utf8(rest.to_vec()).ok(),
        _ => return String::from_utf8(bytes).ok(),
    };
    let (pairs, rest) = bytes[2..].as_chunks::<2>();
    let text: Vec<u16> = pairs.iter().map(|pair| units(*pair)).collect();
    rest.is_empty()
        .then(|| String::from_utf16(&text).ok())
        .flatten()
}

/// Whether a line is a message of this program on standard error. No line of a report starts like this.
fn is_message(line: &&str) -> bool {
    line.starts_with("warning: ") || line.starts_with("espo-bench: ")
}

/// Removes messages, because logs of containers (`kubectl logs`) and `2>&1` contain them next to the report.
fn without_messages(text: &str) -> Cow<'_, str> {
    if !text.lines().any(|line| is_message(&line)) {
        return Cow::Borrowed(text);
    }
    let lines = text.split_inclusive('\n');
    lines.filter(|line| !is_message(line)).collect()
}

fn json_problem(error: &serde_json::Error) -> String {
    if error.is_eof() {
        "the file ends in the middle of the JSON document, so it is incomplete".to_owned()
    } else if error.to_string().starts_with("trailing characters") {
        format!("more text follows the report, in line {}", error.line())
    } else {
        error.to_string()
    }
}

/// Shows line breaks and control characters in all strings as escapes, because a report from elsewhere must not forge
/// lines of a table or control a terminal.
fn show_on_one_line(value: &mut Value) {
    /// The workload file, and the ledgers of merged shards.
    const SEVERAL_LINES: [&str; 2] = ["workload_source", "ledger"];
    match value {
        Value::String(text) => {
            if let Cow::Owned(shown) = espo_stdio::one_line(text) {
                *text = shown;
            }
        }
        Value::Array(all) => all.iter_mut().for_each(show_on_one_line),
        Value::Object(all) => {
            // Names of entity types are keys.
            if all
                .keys()
                .any(|key| matches!(espo_stdio::one_line(key), Cow::Owned(_)))
            {
                let shown = |(key, value): (String, Value)| {
                    (espo_stdio::one_line(&key).into_owned(), value)
                };
                *all = std::mem::take(all).into_iter().map(shown).collect();
            }
            for (key, value) in all {
                if !SEVERAL_LINES.contains(&key.as_str()) {
                    show_on_one_line(value);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
