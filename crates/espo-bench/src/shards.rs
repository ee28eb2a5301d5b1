//! Checks and files that all forms of a distributed run share.

use crate::error::{Error, Result};
use crate::host::{invalid, is_loopback};
use crate::workload::Workload;

/// Name of the workload file on each node.
pub(crate) const WORKLOAD: &str = "workload.toml";

/// Checks the number of shards, the URL, and that the shards may write to it. `shard` names a shard in messages.
///
/// # Errors
///
/// Returns [`Error::Usage`] with the invalid option.
pub(crate) fn check(
    workload: &Workload,
    url: &str,
    shards: u32,
    args: &[String],
    shard: &str,
) -> Result<()> {
    if shards == 0 {
        return Err(Error::usage(
            "invalid --shards 0: a run has at least one shard",
        ));
    }
    let (host, _) = is_loopback(url).ok_or_else(|| Error::usage(invalid(url)))?;
    if workload.writes() && !args.iter().any(|a| a.starts_with("--allow-writes")) {
        return Err(Error::usage(format!(
            "workload '{}' writes, which every {shard} would reject; add -- --allow-writes {host}",
            workload.name
        )));
    }
    Ok(())
}

/// Returns the names and contents of the workload file and its CSV files.
///
/// # Errors
///
/// Returns [`Error::Usage`] for a CSV file in another directory than the workload, and [`Error::Io`] if one cannot be
/// read.
pub(crate) fn files(workload: &Workload) -> Result<Vec<(String, String)>> {
    let mut files = vec![(WORKLOAD.to_owned(), workload.source.to_string())];
    for csv in workload.csv.values() {
        if csv.file.contains(['/', '\\']) || csv.file == WORKLOAD {
            return Err(Error::usage(format!(
                "cannot use {}: all files of a shard are in one directory, so CSV files must be next to the workload",
                csv.file
            )));
        }
        let text = std::fs::read_to_string(&csv.path).map_err(Error::reading(&csv.path))?;
        files.push((csv.file.clone(), text));
    }
    Ok(files)
}
