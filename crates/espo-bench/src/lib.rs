//! espo-bench
