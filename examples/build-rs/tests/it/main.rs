//! The generated code against the embedded server.

mod common;
mod every_field_type;
mod one_type_at_a_time;
mod rust_types;
