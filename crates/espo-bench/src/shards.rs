//! Checks and files that all forms of a distributed run share.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::host::{invalid, is_loopback};
use crate::slo::Slo;
use crate::units::{counted, parse_duration, show_micros};
use crate::workload::{Stages, Workload};

/// Name of the workload file on each node.
pub(crate) const WORKLOAD: &str = "workload.toml";

/// Checks the number of shards, the URL, and that the shards may write to it. `shard` is the word for a shard in
/// messages.
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
        return Err(Error::usage("invalid --shards 0: expected at least 1"));
    }
    let (host, _) = is_loopback(url).ok_or_else(|| Error::usage(invalid(url)))?;
    check_options(workload, shards, args, shard)?;
    for slo in without_slos(args).1 {
        let slo: Slo = slo.parse().map_err(Error::Usage)?;
        slo.check_against(workload).map_err(Error::Usage)?;
    }
    if workload.writes() && !args.iter().any(|a| a.starts_with("--allow-writes")) {
        return Err(Error::usage(format!(
            "workload '{}' writes, which every {shard} would reject; add -- --allow-writes {host}",
            workload.name
        )));
    }
    Ok(())
}

/// Checks that the scheduler does not end the shards before the run has ended. `spare` is the time that it needs at the
/// end.
///
/// # Errors
///
/// Returns [`Error::Usage`] with the option to change.
pub(crate) fn check_time(
    workload: &Workload,
    args: &[String],
    (option, limit): (&str, Duration),
    spare: Duration,
) -> Result<()> {
    let length = |name: &str| value(args, name).and_then(|text| parse_duration(text).ok());
    let defaults = &workload.defaults;
    let stages = workload.stages.as_ref().map(|stages| {
        let (Stages::Open(phases) | Stages::Closed(phases)) = stages;
        phases.iter().map(|p| p.seconds).sum::<f64>()
    });
    let own_load = ["--rate", "--concurrency", "--people"];
    let needed = match stages {
        Some(seconds) if own_load.iter().all(|name| value(args, name).is_none()) => seconds,
        _ if value(args, "--requests").is_some() => return Ok(()),
        _ => {
            let warmup = length("--warmup").or(defaults.warmup);
            let duration = length("--duration").or(defaults.duration);
            let duration = duration.unwrap_or(Duration::from_secs(30));
            (duration + warmup.unwrap_or_default()).as_secs_f64()
        }
    };
    if limit.as_secs_f64() >= needed + spare.as_secs_f64() {
        return Ok(());
    }
    Err(Error::usage(format!(
        "{option} {} is too short for a run of {}, which would be ended early; pass a longer one",
        show_micros(limit.as_secs_f64() * 1e6),
        show_micros(needed * 1e6)
    )))
}

/// Separates the SLOs from the arguments of `run`, because a shard sends only a part of the requests.
pub(crate) fn without_slos(args: &[String]) -> (Vec<String>, Vec<String>) {
    let (mut rest, mut slos) = (Vec::new(), Vec::new());
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.strip_prefix("--slo") {
            Some("") => slos.extend(args.next().cloned()),
            Some(value) if value.starts_with('=') => slos.push(value[1..].to_owned()),
            _ => rest.push(arg.clone()),
        }
    }
    (rest, slos)
}

/// Returns the SLOs as options of `merge`.
pub(crate) fn slo_options(slos: &[String]) -> String {
    let option = |slo: &String| {
        let text = espo_stdio::one_line(slo).replace('\'', "'\\''");
        format!(" --slo '{text}'")
    };
    slos.iter().map(option).collect()
}

/// Returns the value of an option of `run`: `--name VALUE` or `--name=VALUE`.
fn value<'a>(args: &'a [String], name: &str) -> Option<&'a str> {
    let at = args.iter().position(|a| a == name);
    let next = at.and_then(|at| args.get(at + 1)).map(String::as_str);
    let prefix = format!("{name}=");
    let joined = args.iter().find_map(|a| a.strip_prefix(&prefix));
    joined.or(next)
}

/// Checks the options of `run` that no shard could use.
fn check_options(workload: &Workload, shards: u32, args: &[String], shard: &str) -> Result<()> {
    const FILES: [&str; 5] = [
        "--users",
        "--ca-certificate",
        "--client-certificate",
        "--client-key",
        "--metadata",
    ];
    let value = |name: &str| value(args, name);
    for name in ["--dry-run", "--dashboard"] {
        if args
            .iter()
            .any(|a| a == name || a.starts_with(&format!("{name}=")))
        {
            return Err(Error::usage(format!(
                "{name} cannot be used in a distributed run; remove it"
            )));
        }
    }
    if args.iter().any(|a| a == "--abort-when-hopeless") {
        return Err(Error::usage(format!(
            "--abort-when-hopeless would check the SLOs of a single {shard}; SLOs of a distributed run are checked on the merged result"
        )));
    }
    for name in FILES {
        if let Some(path) = value(name).filter(|path| !path.starts_with('/')) {
            return Err(Error::usage(format!(
                "{name} {path}: no {shard} has a file with this relative path; make it available to each, and pass its \
                 absolute path"
            )));
        }
    }
    let given = value("--concurrency").or_else(|| value("--people"));
    let is_open = value("--rate").is_some()
        || given.is_none() && (workload.defaults.rate.is_some() || workload.stages.is_some());
    let workers = match given {
        Some(text) => text.parse().ok(),
        None if is_open => None,
        None => Some(workload.defaults.concurrency.unwrap_or(16)),
    };
    if let Some(workers) = workers.filter(|workers: &u32| *workers < shards) {
        return Err(Error::usage(format!(
            "{} cannot be split over {shards} shards; pass -- --concurrency with at least {shards}",
            counted(workers.into(), "worker")
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
