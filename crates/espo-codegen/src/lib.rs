//! espo-codegen
