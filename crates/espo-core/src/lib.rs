//! espo-core

pub mod search;
