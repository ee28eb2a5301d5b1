//! Tests of the generator through its public interface.

mod arbitrary;
mod citizen;
mod common;
mod features;
mod hostile;
mod layers;
mod overrides;
mod rust_names;
mod shape;
