//! espo-typed
