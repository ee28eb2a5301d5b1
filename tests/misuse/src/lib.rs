//! An empty crate for `tests/ui`, which contains misuses of the typed SDK that must not compile.
