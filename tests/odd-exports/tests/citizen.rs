//! The code of fixtures causes no warnings in a user's workspace, with Clippy's default lints and in rustdoc: all as
//! crates, some also as private modules and through `include!`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use espo_codegen::Generator;
use espo_odd_exports::fixtures::{self, Fixture};
use espo_schema::Schema;

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
    fs::write(path, text).expect("a file");
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The entity types to compile: those that the fixture adds, and only if there are none, those that it changes.
fn generator(fixture: &Fixture, schema: &Schema) -> Generator {
    let custom: BTreeSet<String> = fixture.custom(schema).into_iter().collect();
    Generator::new().only(if custom.is_empty() {
        fixture.entity_types(schema)
    } else {
        custom
    })
}

/// The fixtures that are compiled as modules too. The library of this package contains all of them as modules, but in
/// public ones.
const MODULES: [&str; 15] = [
    "colliding_attributes",
    "composites",
    "computed_and_required",
    "custom_types_of_every_shape",
    "keywords_as_names",
    "labels",
    "module_names",
    "names_equal_but_for_case",
    "names_of_the_prelude",
    "odd_bodies",
    "odd_links",
    "odd_options",
    "odd_parameters",
    "option_shapes",
    "stock",
];

/// The fixtures that are included with `include!` too: whether code can be included depends on its outer structure, not on
/// its entity types.
const INCLUDED: [&str; 3] = ["stock", "labels", "module_names"];

/// Writes a workspace with two listed members: one has the code of some fixtures as modules, the other depends on a crate
/// for each fixture, which makes these crates members too.
fn workspace() -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("citizens");
    let core = project().join("crates/espo-core");
    let core = format!("{{ path = {:?} }}", core.display().to_string());
    let (mut dependencies, mut modules, mut uses) = (String::new(), String::new(), String::new());
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("citizens-layers");
    let fixtures = fixtures::all(&scratch).expect("the layers are written");
    assert!(fixtures.len() > 30, "{}", fixtures.len());
    let mut sources = vec![(
        "stock",
        Schema::stock().clone(),
        Generator::new().only(["Account", "Email", "Meeting"]),
    )];
    for fixture in &fixtures {
        let schema = fixture.schema().expect("metadata");
        let generator = generator(fixture, &schema);
        sources.push((&fixture.name, schema, generator));
    }
    for (name, schema, generator) in sources {
        let package = format!("crm-{}", name.replace('_', "-"));
        let output = generator.generate(&schema).expect("Rust");
        let has_labels = output.files().any(|(path, _)| path.ends_with("labels.rs"));
        let features = if has_labels {
            ", features = [\"labels\"]"
        } else {
            ""
        };
        let output = output.into_crate(&package, &core);
        output
            .write_to(root.join("crates").join(&package))
            .expect("a crate");
        if MODULES.contains(&name) {
            let output = generator
                .without_features()
                .with_labels()
                .generate(&schema)
                .expect("Rust");
            output
                .write_to(root.join("modules/src").join(name))
                .expect("modules");
            writeln!(modules, "mod {name};").expect("text");
            if INCLUDED.contains(&name) {
                output
                    .write_to(root.join("modules/generated").join(name))
                    .expect("modules");
                writeln!(
                    modules,
                    "#[cfg(not(doc))]\nmod included_{name} {{\n    include!(\"../generated/{name}/mod.rs\");\n}}"
                )
                .expect("text");
            }
        }
        writeln!(
            dependencies,
            "{package} = {{ path = \"../crates/{package}\"{features} }}"
        )
        .expect("text");
        writeln!(
            uses,
            "        {}::METADATA_HASH,",
            package.replace('-', "_")
        )
        .expect("text");
    }
    write(
        &root.join("Cargo.toml"),
        "[workspace]\nmembers = [\"app\", \"modules\"]\nresolver = \"3\"\n\n[profile.dev]\ndebug = false\n",
    );
    let member = |name: &str, dependencies: &str, main: &str| {
        let manifest = format!(
            "[package]\nname = {name:?}\nedition = \"2024\"\n\n[dependencies]\nespo-core = {core}\n{dependencies}\n\
             [lints.rust]\nunreachable_pub = \"warn\"\n"
        );
        write(&root.join(name).join("Cargo.toml"), &manifest);
        write(&root.join(name).join("src/main.rs"), main);
    };
    let app = format!(
        "//! A program.\nfn main() {{\n    println!(\n        \"{{:?}}\",\n        [\n{uses}        ]\n    );\n}}\n"
    );
    member("app", &dependencies, &app);
    let modules = format!("//! A program.\n{modules}\nfn main() {{}}\n");
    member("modules", "", &modules);
    fs::copy(project().join("Cargo.lock"), root.join("Cargo.lock")).expect("the versions");
    root
}

#[test]
fn fixtures_cause_no_warnings_in_a_users_workspace() {
    let root = workspace();
    // That of this project, whose profile the workspace has, so that the dependencies are built already.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    for arguments in [
        ["clippy", "--workspace"].as_slice(),
        // Documenting every crate would take long.
        &["doc", "--no-deps", "-p", "modules", "-p", "crm-stock"],
    ] {
        let output = Command::new(env!("CARGO"))
            .args(arguments)
            .arg("--offline")
            .current_dir(&root)
            .env("CARGO_TARGET_DIR", target.expect("a directory"))
            .env_remove("RUSTFLAGS")
            .env("RUSTDOCFLAGS", "-D warnings")
            .output()
            .expect("cargo runs");
        let said = String::from_utf8_lossy(&output.stderr);
        let is_clean = output.status.success() && !said.contains("warning");
        assert!(is_clean, "{said}");
    }
}
