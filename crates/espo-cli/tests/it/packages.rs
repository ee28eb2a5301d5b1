//! The packages and the files around them: manifests, workflow, container files, tasks.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::workspace;

fn read(path: &str) -> String {
    let path = workspace().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Directories and manifests of the published crates.
fn crates() -> Vec<(PathBuf, toml::Table)> {
    let entries = fs::read_dir(workspace().join("crates")).expect("the crates");
    let mut crates: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.join("Cargo.toml").is_file())
        .map(|path| {
            let text = fs::read_to_string(path.join("Cargo.toml")).expect("a manifest");
            (path, toml::from_str(&text).expect("TOML"))
        })
        .collect();
    crates.sort_by(|(a, _), (b, _)| a.cmp(b));
    crates
}

fn name(path: &Path) -> String {
    path.file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned()
}

#[test]
fn every_crate_describes_itself() {
    for (path, manifest) in crates() {
        let package = manifest["package"].as_table().expect("a package");
        let name = name(&path);
        for key in [
            "description",
            "readme",
            "repository",
            "license",
            "rust-version",
        ] {
            assert!(package.contains_key(key), "{name} has no {key}");
        }
        for (key, most) in [("keywords", 5), ("categories", 5)] {
            let count = package
                .get(key)
                .and_then(toml::Value::as_array)
                .map_or(0, Vec::len);
            assert!((1..=most).contains(&count), "{name} has {count} {key}");
        }
        assert!(
            package["metadata"].get("docs").is_some(),
            "{name} has no docs.rs settings"
        );
        let has_program = path.join("src/main.rs").is_file();
        let has_binstall = package["metadata"].get("binstall").is_some();
        assert_eq!(has_program, has_binstall, "{name}: cargo-binstall settings");
        let readme = fs::read_to_string(path.join("README.md")).expect("a README");
        assert!(
            readme.starts_with(&format!("# {name}\n")),
            "{name}: title of the README"
        );
        assert!(readme.contains("```"), "{name}: the README has no example");
    }
}

#[test]
fn readme_examples_are_compiled() {
    for (path, _) in crates() {
        let readme = fs::read_to_string(path.join("README.md")).expect("a README");
        let has_examples = readme.contains("```rust\n") || readme.contains("```rust,no_run\n");
        let library = fs::read_to_string(path.join("src/lib.rs")).expect("a library");
        let includes = library.contains("include_str!(\"../README.md\")");
        assert!(includes || !has_examples, "{}", name(&path));
    }
}

/// The Rust files below a directory.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// Targets with `test = false` are not built for unit tests, so a unit test in one would never run.
#[test]
fn targets_that_are_not_tested_contain_no_tests() {
    let members: Vec<PathBuf> = ["crates", "examples", "tests"]
        .iter()
        .flat_map(|parent| fs::read_dir(workspace().join(parent)).expect("members"))
        .map(|entry| entry.expect("an entry").path())
        .chain(["benches", "xtask", "examples/crm-sync/crm"].map(|path| workspace().join(path)))
        .collect();
    let mut untested = 0;
    for member in members {
        let text = fs::read_to_string(member.join("Cargo.toml")).expect("a manifest");
        let manifest: toml::Table = toml::from_str(&text).expect("TOML");
        let is_untested =
            |target: &toml::Value| target.get("test").and_then(toml::Value::as_bool) == Some(false);
        let sources = member.join("src");
        let programs = manifest.get("bin").and_then(toml::Value::as_array);
        let programs: Vec<PathBuf> = programs
            .into_iter()
            .flatten()
            .filter(|program| is_untested(program))
            .map(|program| {
                let name = program["name"].as_str().expect("a name");
                let path = program.get("path").and_then(toml::Value::as_str);
                member.join(path.unwrap_or(&format!("src/bin/{name}.rs")))
            })
            .collect();
        let main = sources.join("main.rs");
        let has_library = sources.join("lib.rs").is_file();
        let untested_modules = if has_library {
            manifest.get("lib").is_some_and(is_untested)
        } else {
            programs.contains(&main)
        };
        let mut files = programs;
        if untested_modules {
            // Other programs of the package are separate targets.
            let modules = rust_files(&sources).into_iter();
            files.extend(
                modules.filter(|file| !file.starts_with(sources.join("bin")) && *file != main),
            );
        }
        untested += files.len();
        for file in files {
            let text = fs::read_to_string(&file).expect("a source file");
            assert!(
                !text.contains("#[cfg(test)]") && !text.contains("#[test]"),
                "{} has unit tests, but its target has `test = false`",
                file.display()
            );
        }
    }
    assert!(untested > 0, "no target has `test = false`");
}

#[test]
fn release_check_covers_every_crate_and_feature() {
    let steps = read("xtask/src/steps.rs");
    let crates = crates();
    for (path, manifest) in &crates {
        let name = name(path);
        assert!(
            steps.contains(&format!("    \"{name}\",\n")),
            "{name} is not packaged"
        );
        // The features of the generated crate are entity types.
        let features = manifest.get("features").and_then(toml::Value::as_table);
        if let (Some(features), false) = (features, name == "espo-typed") {
            let start = format!("(\"{name}\"");
            let is_listed = |line: &&str| line.trim_start().starts_with(&start);
            let lines: String = steps.lines().filter(is_listed).collect();
            for feature in features.keys().filter(|feature| *feature != "default") {
                assert!(
                    lines.contains(&format!("\"{feature}\"")),
                    "{name}: {feature} is not checked"
                );
            }
        }
    }
}

#[test]
fn ci_runs_the_tests_of_the_readme() {
    let workflow = yaml(".github/workflows/ci.yml");
    let jobs = workflow["jobs"].as_object().expect("jobs");
    let commands: Vec<&str> = jobs
        .values()
        .flat_map(|job| job["steps"].as_array().expect("steps"))
        .filter_map(|step| step["run"].as_str())
        .collect();
    assert!(commands.contains(&".ci/run"), "{commands:?}");
    assert!(read(".ci/run").contains("cargo xtask test"));
    assert!(read("README.md").contains("cargo xtask test"));
}

#[test]
fn issue_templates_are_valid() {
    for entry in fs::read_dir(workspace().join(".github/ISSUE_TEMPLATE")).expect("templates") {
        let name = entry
            .expect("an entry")
            .file_name()
            .to_string_lossy()
            .into_owned();
        let template = yaml(&format!(".github/ISSUE_TEMPLATE/{name}"));
        if name == "config.yml" {
            continue;
        }
        assert!(
            template["name"].is_string() && template["description"].is_string(),
            "{name}"
        );
        let body = template["body"].as_array().expect("a body");
        let mut ids = BTreeSet::new();
        for field in body.iter().filter(|field| field["type"] != "markdown") {
            assert!(
                ids.insert(field["id"].to_string()),
                "{name}: {}",
                field["id"]
            );
            assert!(
                field["attributes"]["label"].is_string(),
                "{name}: {}",
                field["id"]
            );
        }
    }
}

/// The services that the load tester needs, and its command line.
#[test]
fn compose_file_runs_the_load_tester_next_to_an_espocrm() {
    let compose = yaml("deploy/compose.yaml");
    let services = compose["services"].as_object().expect("services");
    for (name, service) in services {
        assert!(
            service.get("image").is_some() != service.get("build").is_some(),
            "{name}"
        );
        let depends: Vec<&str> = match &service["depends_on"] {
            Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
            Value::Object(names) => names.keys().map(String::as_str).collect(),
            _ => Vec::new(),
        };
        assert!(
            depends.iter().all(|other| services.contains_key(*other)),
            "{name}: {depends:?}"
        );
    }
    let bench = &services["bench"];
    assert_eq!(bench["build"]["dockerfile"], "deploy/Dockerfile");
    assert!(workspace().join("deploy/Dockerfile").is_file());
    let arguments: Vec<&str> = bench["command"]
        .as_array()
        .expect("a command")
        .iter()
        .map(|a| a.as_str().expect("text"))
        .collect();
    assert_eq!(arguments[..2], ["espo-bench", "run"]);
    // The load starts when the server is ready, not when its container is.
    for (name, service) in services {
        let Some(needed) = service.get("depends_on") else {
            continue;
        };
        for (other, how) in needed.as_object().expect("conditions") {
            assert_eq!(how["condition"], "service_healthy", "{name}: {other}");
            let check = &services[other]["healthcheck"]["test"];
            assert!(check.is_array(), "{other} has no health check");
        }
    }
    // Ports are published on loopback only: the passwords are in the file.
    for port in services["espocrm"]["ports"].as_array().expect("ports") {
        assert!(
            port.as_str()
                .is_some_and(|port| port.starts_with("127.0.0.1:")),
            "{port}"
        );
    }
}

#[test]
fn dockerfile_copies_the_programs_that_it_builds() {
    let text = read("deploy/Dockerfile");
    let build = text
        .lines()
        .find(|line| line.contains("cargo build"))
        .expect("a build");
    let packages: Vec<&str> = build
        .split(" -p ")
        .skip(1)
        .map(|rest| rest.split(' ').next().expect("a name"))
        .collect();
    assert_eq!(packages, ["espo-bench", "espo-sim", "espo-cli"]);
    for program in ["espo-bench", "espo-sim", "espo"] {
        assert!(
            text.contains(&format!("target/release/{program} ")),
            "{program}"
        );
    }
    let version = text
        .lines()
        .find_map(|line| line.strip_prefix("FROM rust:"))
        .expect("an image");
    let minor: u32 = version
        .split(['.', '-'])
        .nth(1)
        .and_then(|minor| minor.parse().ok())
        .expect("a version");
    let stated = read("Cargo.toml");
    let stated = stated
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = \"1."))
        .expect("a version");
    let oldest: u32 = stated.trim_end_matches('"').parse().expect("a version");
    assert!(minor >= oldest, "Rust 1.{minor} is older than 1.{oldest}");
}

/// Command lines of the documentation that start with `espo `.
#[test]
fn documented_command_lines_are_valid() {
    let mut count = 0;
    for file in ["README.md", "crates/espo-cli/README.md"] {
        for line in read(file).lines() {
            let line = line.split(" #").next().unwrap_or(line).trim();
            let Some(arguments) = line.strip_prefix("espo ") else {
                continue;
            };
            let arguments = std::iter::once("espo").chain(arguments.split_whitespace());
            let parsed = espo_cli::command().try_get_matches_from(arguments);
            assert!(
                parsed.is_ok(),
                "{file}: {line}: {}",
                parsed.expect_err("invalid")
            );
            count += 1;
        }
    }
    assert!(count >= 2, "{count} command lines");
}
