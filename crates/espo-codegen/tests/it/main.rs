//! The generator, from the outside.

mod arbitrary;
mod common;
mod features;
mod hostile;
mod overrides;
mod rust_names;
mod shape;
