//! A load tester for EspoCRM.
//!
//! It sends requests through [`espo_core`], the same path that applications use, and measures the latency and the
//! capacity of an instance. The report warns if the load generator was saturated, because the figures then do not
//! reflect the instance.
//!
//! ```no_run
//! use espo_bench::{RunOptions, Target, Workload};
//!
//! let workload = Workload::builtin("mixed")?;
//! let report = espo_bench::run(RunOptions::new(workload, Target::Embedded))?;
//! println!("{}", espo_bench::output::table(&report));
//! # Ok::<(), espo_bench::Error>(())
//! ```

mod capacity;
mod clean;
mod compare;
mod dashboard;
mod data;
mod digest;
mod drive;
mod error;
mod host;
mod init;
mod k8s;
mod ledger;
mod merge;
pub mod output;
mod record;
pub mod report;
mod schedule;
mod seed;
mod shards;
mod slo;
mod slurm;
mod target;
mod time;
mod trend;
mod units;
mod workload;

// Their types are in public signatures.
pub use {espo_core, espo_schema, hdrhistogram};

pub use capacity::{Capacity, CapacityOptions, capacity};
pub use clean::{CleanOptions, Cleaned, clean};
pub use compare::{
    CompareOptions, Comparison, Difference, Needed, OperationComparison, Verdict, compare,
    compare_sides,
};
pub use dashboard::{DEFAULT_ADDR as DEFAULT_DASHBOARD_ADDR, DashboardAddr};
pub use drive::{Limit, Load, RunOptions, Shard, Target, dry_run, run};
pub use error::{Error, Result};
pub use init::{init, init_from_metadata};
pub use k8s::{K8sOptions, k8s};
pub use ledger::{Head, Leftover, is_unstarted, read as read_ledger};
pub use merge::merge;
pub use report::{Decode, Report};
pub use schedule::{Arrivals, Phase};
pub use slo::Slo;
pub use slurm::{SlurmOptions, slurm};
pub use target::{Access, Credentials};
pub use time::parse_rfc3339 as parse_time;
pub use trend::{
    ALL_REQUESTS, Change, Metric, Trend, TrendGroup, TrendOptions, TrendPoint, TrendRun,
    TrendSeries, trend,
};
pub use units::{parse_duration, parse_positive_duration};
pub use workload::Workload;
