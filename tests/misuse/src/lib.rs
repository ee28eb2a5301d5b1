//! Nothing but a place for `tests/ui`: misuses of the typed SDK, which must not compile.
