//! espo-bench

mod error;
pub mod schedule;
mod seed;
mod units;
mod record;
mod workload;
mod data;
pub use error::{Error, Result};
pub use workload::Workload;
