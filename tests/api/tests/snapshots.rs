//! The public API of each hand-written crate equals its snapshot. After an intended change: `cargo xtask api --bless`,
//! and review the difference.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use espo_api_snapshots::public_api;

/// The crates that are published, except for the generated SDK, whose API follows from the metadata.
const CRATES: [&str; 9] = [
    "espo-bench",
    "espo-cli",
    "espo-codegen",
    "espo-conformance",
    "espo-core",
    "espo-derive",
    "espo-schema",
    "espo-sim",
    "espo-stdio",
];

#[test]
fn public_apis_equal_their_snapshots() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let bless = std::env::var_os("ESPO_API_BLESS").is_some_and(|value| !value.is_empty());
    let mut report = String::new();
    for name in CRATES {
        let lib = here.join("../../crates").join(name).join("src/lib.rs");
        let now = public_api(&name.replace('-', "_"), &lib);
        assert!(!now.is_empty(), "{name} has no public API");
        let path = here.join("snapshots").join(format!("{name}.txt"));
        if bless {
            let text: String = now.iter().map(|line| format!("{line}\n")).collect();
            fs::write(&path, text).unwrap();
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        let before: BTreeSet<String> = text.lines().map(str::to_owned).collect();
        let removed = before.difference(&now).map(|line| format!("- {line}\n"));
        let added = now.difference(&before).map(|line| format!("+ {line}\n"));
        let changes: String = removed.chain(added).collect();
        if !changes.is_empty() {
            report += &format!("{name}:\n{changes}");
        }
    }
    assert!(
        report.is_empty(),
        "the public API has changed:\n{report}If this is intended, run `cargo xtask api --bless` and note it in CHANGELOG.md"
    );
}

#[test]
fn listings_contain_reexports_methods_and_traits_but_nothing_private() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("listing");
    fs::create_dir_all(folder.join("inner")).unwrap();
    fs::write(
        folder.join("lib.rs"),
        "mod inner;\npub mod open { pub const A: u8 = 1; const B: u8 = 2; }\npub use inner::{One, deep::Two as Deux};\n\
         pub use std::fmt;\n#[doc(hidden)] pub fn hidden() {}\n#[macro_export] macro_rules! list { () => {}; }\n",
    )
    .unwrap();
    fs::write(
        folder.join("inner.rs"),
        "pub(crate) mod deep;\n#[derive(Clone)] #[non_exhaustive] pub struct One<T> { pub a: Vec<T>, b: u8 }\n\
         impl<T: Copy> One<T> { pub fn get(&self, at: usize) -> Option<&T> { None } fn own(&self) {} }\n\
         impl<T> Drop for One<T> { fn drop(&mut self) {} }\npub struct Unseen;\n",
    )
    .unwrap();
    fs::write(
        folder.join("inner/deep.rs"),
        "pub enum Two { A, B(String) }\n",
    )
    .unwrap();
    let lines: Vec<String> = public_api("x", &folder.join("lib.rs"))
        .into_iter()
        .collect();
    assert_eq!(
        lines,
        [
            "#[non_exhaustive] pub struct x::One<T> { private }",
            "pub const x::open::A: u8",
            "pub enum x::Deux",
            "pub macro x::list!",
            "pub mod x::open",
            "pub use std::fmt in x",
            "x::Deux: variant A",
            "x::Deux: variant B(String)",
            "x::One: impl Clone",
            "x::One: impl<T: Copy> One<T> pub fn get(&self, at: usize) -> Option<&T>",
            "x::One: impl<T> Drop for One<T>",
            "x::One: pub a: Vec<T>",
        ]
    );
}
