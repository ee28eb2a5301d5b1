//! The generator, from the outside.

mod arbitrary;
mod common;
mod hostile;
mod shape;
