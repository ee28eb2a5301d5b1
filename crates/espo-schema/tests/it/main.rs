//! Tests of the public interface with metadata as users have it.

#![cfg(feature = "stock")]

mod arbitrary;
mod customised;
mod diff;
mod layers;
mod load;
mod odd;
mod partial;
mod pipelines;
mod stock;
mod stock_counts;
mod types;
