//! Metadata as users have it, read through the public interface.

#![cfg(feature = "stock")]

mod arbitrary;
mod diff;
mod layers;
mod load;
mod odd;
mod partial;
mod pipelines;
mod stock;
mod types;
