//! SECURITY.md names tests that exist, and CI checks the dependencies.

use std::fs;
use std::path::{Path, PathBuf};

fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .expect("the workspace")
        .to_path_buf()
}

fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.ends_with("generated") && !path.ends_with("target") {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(&path).expect("Rust"));
        }
    }
}

/// The directory of a package.
fn folder(package: &str) -> PathBuf {
    let root = workspace();
    let short = package.trim_start_matches("espo-");
    let candidates = [
        root.join("crates").join(package),
        root.join(package),
        root.join("tests").join(short),
        root.join("tests").join(short.trim_end_matches("-targets")),
        root.join("tests")
            .join(short.trim_end_matches("-snapshots")),
    ];
    let found = candidates
        .iter()
        .find(|path| path.join("Cargo.toml").exists());
    found
        .unwrap_or_else(|| panic!("no package {package}"))
        .clone()
}

#[test]
fn every_threat_names_tests_that_exist() {
    let text = fs::read_to_string(workspace().join("SECURITY.md")).expect("SECURITY.md");
    let rows: Vec<&str> = text
        .lines()
        .filter(|line| {
            line.starts_with("| ") && !line.starts_with("| threat") && !line.starts_with("| ---")
        })
        .collect();
    assert!(rows.len() >= 15, "{} threats", rows.len());
    for row in rows {
        let tests = row
            .trim_end_matches('|')
            .rsplit(" | ")
            .next()
            .expect("the last column");
        let mut names: Vec<&str> = Vec::new();
        let mut checked = 0;
        // `one`, `two` (package), `three` (package)
        for part in tests.split(", ") {
            let (name, package) = match part.trim().split_once(" (") {
                Some((name, package)) => (name, Some(package.trim_end().trim_end_matches(')'))),
                None => (part.trim(), None),
            };
            names.push(name.trim_matches('`'));
            let Some(package) = package else { continue };
            let mut source = String::new();
            sources(&folder(package), &mut source);
            for name in names.drain(..) {
                let definition = format!("fn {name}(");
                assert!(source.contains(&definition), "{package} has no test {name}");
                checked += 1;
            }
        }
        assert!(checked > 0 && names.is_empty(), "no package in: {row}");
    }
}

#[test]
fn no_package_allows_unsafe_code() {
    let root = workspace();
    let manifest = fs::read_to_string(root.join("Cargo.toml")).expect("the manifest");
    assert!(manifest.contains("unsafe_code = \"forbid\""));
    let mut packages = Vec::new();
    for group in ["crates", "tests", "examples"] {
        for entry in fs::read_dir(root.join(group)).expect("a directory") {
            packages.push(entry.expect("an entry").path());
        }
    }
    packages.extend(["xtask", "benches"].map(|name| root.join(name)));
    let mut checked = 0;
    for package in packages {
        let Ok(manifest) = fs::read_to_string(package.join("Cargo.toml")) else {
            continue;
        };
        let lints = "[lints]\nworkspace = true";
        assert!(
            manifest.contains(lints),
            "{} does not inherit the lints",
            package.display()
        );
        checked += 1;
    }
    assert!(checked > 15, "{checked} packages");
}

#[test]
fn dependencies_are_checked_in_ci() {
    let workflow = workspace().join(".github/workflows/ci.yml");
    let text = fs::read_to_string(workflow).expect("the workflow");
    assert!(text.contains("cargo-deny-action"));
    let deny = fs::read_to_string(workspace().join("deny.toml")).expect("deny.toml");
    for line in [
        "unknown-registry = \"deny\"",
        "unknown-git = \"deny\"",
        "multiple-versions = \"deny\"",
    ] {
        assert!(deny.contains(line), "deny.toml has no {line}");
    }
}
