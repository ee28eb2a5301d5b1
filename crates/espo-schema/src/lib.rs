//! espo-schema
