//! espo-core
