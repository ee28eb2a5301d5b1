//! Settings that have no effect.

use std::path::Path;

use super::{Wrong, above};
use crate::workload::Workload;

/// Settings of one load model in a file with a load of the other.
pub(super) fn settings_without_effect() -> Vec<Wrong> {
    let stage = |key: &str, load: &str| {
        above(&format!(
            "{key}\n[[stage]]\nduration = \"1s\"\n{load} = 5\n[[stage]]\nduration = \"1s\"\n{load} = [5, 9]"
        ))
    };
    let mut all = Vec::new();
    for (load, key, expected) in [
        ("rate", "think = ^\"1s\"", "'think' has no effect"),
        (
            "rate",
            "think = ^{ min = \"1s\", max = \"2s\" }",
            "set a concurrency",
        ),
        ("rate", "pacing = ^\"1s\"", "'pacing' has no effect"),
        (
            "concurrency",
            "arrivals = ^\"poisson\"",
            "'arrivals' has no effect",
        ),
        ("concurrency", "arrivals = ^\"constant\"", "set a rate"),
        (
            "concurrency",
            "max_in_flight = ^5",
            "'max_in_flight' has no effect",
        ),
    ] {
        all.push((above(&format!("{load} = 5\n{key}")), expected));
        all.push((stage(key, load), expected));
    }
    all
}

/// The command line can set the load of a file without one, and the settings of the file's own model apply.
#[test]
fn settings_of_the_load_model_are_accepted() {
    for first in [
        "think = \"1s\"",
        "pacing = \"1s\"",
        "arrivals = \"poisson\"\nmax_in_flight = 5",
        "concurrency = 5\nthink = \"1s\"",
        "rate = 5\narrivals = \"poisson\"\nmax_in_flight = 5",
    ] {
        Workload::parse("w.toml", &above(first), Path::new(".")).unwrap();
    }
}
