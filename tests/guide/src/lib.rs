//! The chapters of the guide, whose Rust examples are documentation tests. `tests/commands.rs` runs the command lines.

macro_rules! chapters {
    ($($name:ident $file:literal)*) => {
        $(
            #[cfg(doctest)]
            #[doc = include_str!(concat!("../../../docs/src/", $file))]
            mod $name {}
        )*

        /// The files of the chapters, relative to `docs/src`.
        pub const CHAPTERS: &[&str] = &[$($file),*];
    };
}

chapters! {
    introduction "introduction.md"
    first_query "first-query.md"
    schema_changes "schema-changes.md"
    reading_writing "reading-writing.md"
    sync "sync.md"
    webhooks "webhooks.md"
    files "files.md"
    recipes "recipes.md"
    errors "errors.md"
    testing "testing.md"
    load_testing "load-testing.md"
    several_machines "several-machines.md"
    versions "versions.md"
    server_behaviour "server-behaviour.md"
    comparison "comparison.md"
}
