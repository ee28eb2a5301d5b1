//! Files of users stay. That generated code compiles without warnings in every form is tested in `tests/odd-exports`.

use std::fs;
use std::path::{Path, PathBuf};

use espo_codegen::{Generator, Output};
use espo_schema::Schema;

fn output(only: &[&str]) -> Generator {
    Generator::new().only(only.iter().copied())
}

fn generate(generator: Generator) -> Output {
    generator.generate(Schema::stock()).expect("Rust")
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
    fs::write(path, text).expect("a file");
}

#[test]
fn files_that_were_not_generated_stay() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("espo-foreign");
    let _ = fs::remove_dir_all(&folder);
    write(&folder.join("src/lib.rs"), "// mine\n");
    write(&folder.join("Cargo.toml"), "[package]\nname = \"mine\"\n");
    let crm = || generate(output(&["Account"])).into_crate("my-crm", "\"0.1\"");
    let error = crm().write_to(&folder).expect_err("in the way").to_string();
    for file in ["lib.rs", "Cargo.toml", "nothing was written"] {
        assert!(error.contains(file), "{error}");
    }
    let mut files = Vec::new();
    for entry in walk(&folder) {
        files.push(entry);
    }
    assert_eq!(files.len(), 2, "{files:?}");
}

#[test]
fn only_files_that_were_generated_before_are_deleted() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("espo-stale");
    let _ = fs::remove_dir_all(&folder);
    let two = generate(output(&["Account", "Lead"]));
    two.write_to(&folder).expect("files");
    let copy = fs::read_to_string(folder.join("lead.rs")).expect("a file");
    write(&folder.join("copied.rs"), &copy);
    write(&folder.join("notes/own.txt"), "mine\n");

    let one = generate(output(&["Account"]));
    let drift = one.drift(&folder).expect("a comparison");
    let names = |paths: &[PathBuf]| -> Vec<String> {
        let names = paths
            .iter()
            .map(|path| path.strip_prefix(&folder).expect("inside"));
        names
            .map(|path| path.display().to_string().replace('\\', "/"))
            .collect()
    };
    assert_eq!(names(&drift.stale), ["lead.rs"]);
    assert_eq!(names(&drift.stray), ["copied.rs", "notes/own.txt"]);
    one.write_to(&folder).expect("files");
    assert!(!folder.join("lead.rs").exists() && folder.join("copied.rs").exists());
    // A file without the banner belongs to the user.
    two.write_to(&folder).expect("files");
    write(&folder.join("lead.rs"), "// mine\n");
    let drift = one.drift(&folder).expect("a comparison");
    assert_eq!(names(&drift.stale), [""; 0]);
    assert!(names(&drift.stray).contains(&"lead.rs".to_owned()));
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a directory");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                walk(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}
