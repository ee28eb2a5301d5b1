//! Reports as Markdown for pull requests and tickets.

use std::fmt::Write as _;

use super::summary::{Tone, sentences};
use super::{headline, warning};
use crate::report::{Outcome, Report};
use crate::units::{show_count, show_micros};

/// Returns the report as Markdown tables.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut out = format!("### espo-bench: {}\n\n", cell(&headline(report)));
    // Writing to a String cannot fail.
    let mut line = |text: String| {
        let _ = writeln!(out, "{text}");
    };
    for (tone, sentence) in sentences(report) {
        let mark = match tone {
            Tone::Good => "✅ ",
            Tone::Bad => "❌ ",
            Tone::Plain => continue,
        };
        line(format!("{mark}{}  ", cell(&sentence)));
    }
    line(String::new());
    notes(report, &mut line);
    line("| operation | count | rate/s | errors | p50 | p90 | p95 | p99 | p99.9 | max | service p99 |".into());
    line("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |".into());
    for operation in &report.operations {
        let rate = operation.rate();
        let times = operation.outcome(Outcome::Ok).map_or_else(
            || vec!["–".to_owned(); 7],
            |ok| {
                let r = &ok.response;
                [r.p50, r.p90, r.p95, r.p99, r.p999, r.max, ok.service.p99]
                    .iter()
                    .map(|v| show_micros(*v as f64))
                    .collect()
            },
        );
        let count = show_count(operation.count());
        line(format!(
            "| {} | {count} | {rate:.1} | {} | {} |",
            cell(&operation.name),
            show_count(operation.failed()),
            times.join(" | ")
        ));
    }
    let (totals, all) = (&report.totals, &report.all);
    let times: Vec<String> = [all.p50, all.p90, all.p95, all.p99, all.p999, all.max]
        .iter()
        .map(|v| show_micros(*v as f64))
        .collect();
    line(format!(
        "| **all** | {} | {:.1} | {} | {} | |",
        show_count(totals.requests),
        totals.rate,
        show_count(totals.failed),
        times.join(" | ")
    ));
    slos_and_errors(report, &mut line);
    let version = report.target.version.as_deref().unwrap_or("unknown");
    if let Some(connection) = &report.target.connection {
        line(format!("\nConnection: {}.", cell(&connection.sentence())));
    }
    line(format!(
        "\nEspoCRM {}, run `{}`, started {}.",
        cell(version),
        report.run.id,
        report.run.started
    ));
    out
}

/// Writes what a reader must know before the figures.
fn notes(report: &Report, line: &mut impl FnMut(String)) {
    if let Some(warning) = warning(report) {
        line(format!("> **{}**\n", cell(&warning)));
    }
    if let Some(stopped) = &report.run.stopped {
        line(format!("> **Stopped early: {}**\n", cell(stopped)));
    }
    for warning in report.data_warnings() {
        line(format!("> Small data: {}.\n", cell(&warning)));
    }
    if let Some(warning) = report.one_user_warning() {
        line(format!("> One user: {warning}.\n"));
    }
    for left_out in &report.nothing_to_read {
        line(format!(
            "> Nothing to read: {}, because the target has no records of {}.\n",
            cell(&left_out.operation),
            cell(&left_out.entity)
        ));
    }
    for problem in &report.problems {
        line(format!("> **Problem: {}**\n", cell(problem)));
    }
    if let Some(writes) = report.writes.as_ref().filter(|w| w.is_incomplete()) {
        line(format!("> **Records: {}**\n", cell(&writes.sentence())));
    }
}

fn slos_and_errors(report: &Report, line: &mut impl FnMut(String)) {
    if !report.slos.is_empty() {
        line("\n| SLO | measured | result |\n| --- | ---: | --- |".into());
        for slo in &report.slos {
            let verdict = if slo.held { "met" } else { "**missed**" };
            line(format!(
                "| {} | {} | {verdict} |",
                code(&slo.expression),
                cell(&slo.shown())
            ));
        }
    }
    if !report.errors.is_empty() {
        line("\n| errors | operation | kind | sample |\n| ---: | --- | --- | --- |".into());
        for e in report.errors.iter().take(10) {
            let status = e
                .status
                .map_or(e.outcome.as_str().to_owned(), |s| s.to_string());
            line(format!(
                "| {} | {} | {status} | {} |",
                e.count,
                cell(&e.operation),
                cell(&e.sample)
            ));
        }
    }
}

/// Returns a code span for a table cell. Markdown shows its content verbatim, so `<` needs no escape.
fn code(text: &str) -> String {
    let text = text.replace('|', "\\|").replace(['\n', '\r', '`'], " ");
    format!("`{text}`")
}

/// Escapes text for a table cell, because text from the server must not break the table or inject markup, such as an
/// image that is loaded from elsewhere when a ticket is opened.
fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '|' | '\\' | '`' | '*' | '[' | ']' | '~' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn text_of_a_server_is_not_markup() {
        for (text, escaped) in [
            (
                "![x](http://127.0.0.1/y.png)",
                "!\\[x\\](http://127.0.0.1/y.png)",
            ),
            ("[a](b) `c` *d* ~e~", "\\[a\\](b) \\`c\\` \\*d\\* \\~e\\~"),
            ("<img src=x>&lt;b>", "&lt;img src=x>&amp;lt;b>"),
            ("a|b\\|c\nd", "a\\|b\\\\\\|c d"),
        ] {
            assert_eq!(cell(text), escaped);
        }
    }
}
