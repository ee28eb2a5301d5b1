//! Settings that the load does not use.

use std::path::Path;

use super::above;
use crate::workload::Workload;

/// Settings of the other load model too, since the command line can set another load; a run warns about them.
#[test]
fn settings_of_both_load_models_are_accepted() {
    for load in ["", "rate = 5\n", "concurrency = 5\n"] {
        for settings in [
            "think = \"1s\"",
            "think = { min = \"1s\", max = \"2s\" }",
            "pacing = \"1s\"",
            "arrivals = \"poisson\"\nmax_in_flight = 5",
        ] {
            let text = above(&format!("{load}{settings}"));
            Workload::parse("w.toml", &text, Path::new(".")).unwrap();
        }
    }
}
