//! Misuses that do not compile, with the messages that a user reads.
//!
//! Parts of the messages are the compiler's own and depend on its version. After an upgrade, review the changes and
//! update the messages with `TRYBUILD=overwrite cargo test -p espo-misuse`.

#[test]
fn misuse_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
