//! Settings that have no effect: options are rejected, and settings of a workload, which is also used with other loads,
//! cause a notice.

use super::options::{RunOptions, Target};
use crate::error::{Error, Result};
use crate::report::Model;
use crate::units::counted;
use crate::workload::{DEFAULT_PREFIX, Kind, Operation};

/// Rejects options of the other load model.
///
/// # Errors
///
/// Returns [`Error::Usage`] with the option.
pub(super) fn check(options: &RunOptions, model: &Model) -> Result<()> {
    let given = match model {
        Model::Closed { .. } => [
            ("--arrivals", options.arrivals.is_some()),
            ("--max-in-flight", options.max_in_flight.is_some()),
        ]
        .into_iter()
        .find(|(_, given)| *given)
        .map(|(option, _)| format!("{option} applies to the open model, which has a rate; this load has workers")),
        Model::Open { .. } => options.think.is_some().then(|| {
            "think times apply to the closed model, which has workers or people; this load has a rate".to_owned()
        }),
    };
    given.map_or(Ok(()), |message| Err(Error::usage(message)))
}

/// Describes the settings of the workload that have no effect in this run.
pub(super) fn notices(options: &RunOptions, model: &Model) -> Vec<String> {
    let workload = &options.workload;
    let mut out = Vec::new();
    let mut unused = |is_set: bool, setting: &str, why: &str| {
        if is_set {
            out.push(format!("the workload's {setting} has no effect: {why}"));
        }
    };
    match model {
        Model::Closed { .. } => {
            let why = "it applies to a rate, and this load has workers";
            let defaults = &workload.defaults;
            unused(defaults.arrivals.is_some(), "'arrivals'", why);
            unused(defaults.max_in_flight.is_some(), "'max_in_flight'", why);
        }
        Model::Open { .. } => {
            let why = "iterations start at the rate, without waiting for earlier ones";
            unused(workload.think.is_some(), "think time", why);
            unused(workload.pacing.is_some(), "pacing", why);
        }
    }
    unused(
        workload.skew.is_some() && !workload.operations.iter().any(reads_known_records),
        "'skew'",
        "no operation reads single records",
    );
    unused(
        workload.prefix != DEFAULT_PREFIX && !workload.writes(),
        "'prefix'",
        "no operation creates records",
    );
    match &options.target {
        Target::Url { credentials, .. } => {
            let users = u32::try_from(credentials.len()).unwrap_or(u32::MAX);
            if let Model::Closed { concurrency } = model
                && users > *concurrency
            {
                out.push(format!(
                    "only {concurrency} of {users} users are used: each worker acts as one user, and the load has {}",
                    counted(u64::from(*concurrency), "worker")
                ));
            }
        }
        Target::Embedded | Target::EmbeddedWith(_) => {
            if !workload.credentials.is_empty() {
                out.push(
                    "the workload's credentials have no effect: the embedded server has its own user".to_owned(),
                );
            }
        }
    }
    out
}

/// Returns whether an operation uses records that were found on the target.
fn reads_known_records(operation: &Operation) -> bool {
    match operation.kind {
        Kind::Read | Kind::Related | Kind::Stream => true,
        Kind::Search => operation.text.is_empty(),
        _ => false,
    }
}
