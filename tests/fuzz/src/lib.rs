//! The bodies of the fuzz targets: functions over arbitrary bytes that panic if a property is violated.
//!
//! Two callers run them: the libFuzzer programs in `fuzz/`, which search for new inputs (`cargo xtask fuzz`), and the test
//! of this crate, which replays the corpora and a short round of mutations without additional tools.

mod bench;
mod cli;
mod client;
mod generate;
mod simulator;

/// A fuzz target: the name of its program and corpus, its function, and how many mutations a test run tries. The number
/// is smaller for slow targets.
pub struct Target {
    /// Name of the program in `fuzz/` and of the corpus.
    pub name: &'static str,
    /// The function that panics if a property is violated.
    pub run: fn(&[u8]),
    /// Number of mutated inputs in a test run.
    pub cases: u32,
}

/// All targets.
pub const TARGETS: [Target; 12] = [
    Target::new("records", client::records, 2000),
    Target::new("search_params", client::search_params, 2000),
    Target::new("journal", client::journal, 400),
    Target::new("metadata", generate::metadata, 400),
    Target::new("metadata_folder", generate::metadata_folder, 150),
    Target::new("codegen", generate::codegen, 60),
    Target::new("overrides", generate::overrides, 400),
    Target::new("simulator", simulator::requests, 1000),
    Target::new("workload", bench::workload, 600),
    Target::new("report", bench::report, 100),
    Target::new("ledger", bench::ledger, 600),
    Target::new("config", cli::config, 1000),
];

impl Target {
    const fn new(name: &'static str, run: fn(&[u8]), cases: u32) -> Self {
        Self { name, run, cases }
    }
}

/// Runs the target with this name.
///
/// # Panics
///
/// Panics if `data` violates a property of the target, or if no target has this name.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    let target = target.unwrap_or_else(|| panic!("no fuzz target `{name}`"));
    (target.run)(data);
}

/// The input as text; invalid UTF-8 is of interest to the targets that take bytes.
fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}
