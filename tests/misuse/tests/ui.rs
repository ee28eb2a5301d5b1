//! Misuses that do not compile, with the messages that a user reads.
//!
//! The messages are partly the compiler's own, so they belong to one version of it: after moving to another, look at
//! what changed and renew them with `TRYBUILD=overwrite cargo test -p espo-misuse`.

#[test]
fn misuse_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
