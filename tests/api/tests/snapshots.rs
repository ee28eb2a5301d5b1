//! The public API of each hand-written crate equals its snapshot. After an intended change: `cargo xtask api --bless`,
//! and review the difference.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use espo_api_snapshots::{foreign_types, public_api};

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

/// The names in code of the crates under `[dependencies]`.
fn dependencies(manifest: &Path) -> BTreeSet<String> {
    let manifest = fs::read_to_string(manifest).unwrap();
    let (_, section) = manifest.split_once("[dependencies]\n").unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    let names = section
        .lines()
        .filter_map(|line| line.split(['.', ' ', '=']).next());
    let names = names.filter(|name| !name.is_empty() && !name.starts_with('#'));
    names.map(|name| name.replace('-', "_")).collect()
}

#[test]
fn signatures_use_only_crates_that_are_reexported() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates");
    let mut report = String::new();
    for name in CRATES {
        let (code, lib) = (name.replace('-', "_"), crates.join(name).join("src/lib.rs"));
        let dependencies = dependencies(&crates.join(name).join("Cargo.toml"));
        let api = public_api(&code, &lib);
        for (foreign, line) in foreign_types(&code, &lib, &dependencies) {
            if !api.contains(&format!("pub use {foreign} in {code}")) {
                report += &format!("{name}: {foreign}: {line}\n");
            }
        }
    }
    assert!(
        report.is_empty(),
        "signatures with types of crates that users would have to depend on in the same version:\n{report}\
         Re-export the crate (`pub use`), or wrap the type"
    );
}

#[test]
fn foreign_types_are_found_through_imports_and_reexports() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("foreign");
    fs::create_dir_all(&folder).unwrap();
    fs::write(
        folder.join("lib.rs"),
        "mod inner { pub(crate) use bytes::Bytes as Raw; }\nuse http::{self, HeaderMap};\nuse inner::Raw;\n\
         use tokio::Ext as _;\npub fn g(c: Cow<'_, str>) { }\n\
         pub struct One { pub a: Raw, b: tokio::Hidden }\npub fn f(h: &HeaderMap) -> std::io::Result<()> { }\n\
         impl One { pub fn m(self) -> http::Method { } fn own(x: tokio::Other) { } }\n\
         impl From<url::Error> for One { }\npub enum HttpOnly { A(u8) }\n",
    )
    .unwrap();
    let names = ["bytes", "http", "tokio", "url"].map(str::to_owned);
    let found = foreign_types("x", &folder.join("lib.rs"), &names.into());
    let crates: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(crates, ["bytes", "http", "http", "url"], "{found:?}");
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
