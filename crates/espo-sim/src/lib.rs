//! espo-sim
