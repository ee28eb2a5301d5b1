//! Checks whether the target's data is too small for the figures to be representative of a real instance.

use super::{Model, OperationReport, Outcome, Report};

/// A list without records has about 21 bytes; a list with one record exceeds this limit.
const EMPTY_BYTES: u64 = 60;
/// Entity types with fewer records are reported.
const FEW_RECORDS: u64 = 100;

pub(super) fn warnings(report: &Report) -> Vec<String> {
    let mut out = Vec::new();
    let lists =
        |o: &&OperationReport| matches!(o.kind.as_str(), "list" | "related" | "stream" | "search");
    let empty: Vec<String> = (report.operations.iter())
        .filter(lists)
        .filter_map(|o| {
            let ok = o.outcome(Outcome::Ok).filter(|ok| ok.count > 0)?;
            let bytes = ok.bytes_in / ok.count;
            (bytes < EMPTY_BYTES).then(|| format!("{} ({bytes} bytes)", o.name))
        })
        .collect();
    if !empty.is_empty() {
        out.push(format!(
            "the average response to {} contains no records",
            empty.join(", ")
        ));
    }
    let few: Vec<String> = (report.target.records.iter())
        .filter(|(entity, count)| {
            let listed = report.operations.iter().filter(lists);
            **count < FEW_RECORDS && listed.clone().any(|o| o.entity == **entity)
        })
        .map(|(entity, count)| format!("{entity} ({count})"))
        .collect();
    if !few.is_empty() {
        out.push(format!("there are few records of {}", few.join(", ")));
    }
    out
}

/// Returns a warning if several people share one user.
pub(super) fn one_user(report: &Report) -> Option<String> {
    let Model::Closed { concurrency } = report.run.model else {
        return None;
    };
    let is_shared = report.run.think_seconds.is_some() && report.run.users == 1 && concurrency > 1;
    is_shared.then(|| {
        format!("all {concurrency} people act as the same user; pass several users with --users")
    })
}
