//! Runs the examples against the embedded server and checks their output.

use std::path::{Path, PathBuf};
use std::process::Command;

const EXAMPLES: [(&str, &str); 12] = [
    ("first_query", "A deal: 10000 from Acme\n1 deals won\n"),
    ("nightly_sync", "7 contacts synced, up to "),
    ("import", "2 created, 1 updated\ncreated\nupdated\n"),
    ("file_upload", "20000 bytes came back, the same\n"),
    (
        "webhook_receiver",
        "is called Some(\"Acme\")\nHTTP/1.1 200 OK\nHTTP/1.1 403 Forbidden\n",
    ),
    ("testing_your_code", "2 customers, by 1 request\n"),
    ("stream_reader", "post: The customer called\ncreated\n"),
    ("mass_update", "3 leads updated\n3 leads deleted\n"),
    (
        "lead_conversion",
        "converted: Some(Converted)\nthe company exists already\nconverted: Some(Converted)\n",
    ),
    ("report_export", "2 rows below the header\n"),
    ("schema_check", "0 differences\n"),
    ("instance_check", ", 0 faults\n"),
];

/// Returns the program that `cargo test` built together with this test. `cargo build` would rebuild its dependencies with
/// the features that this package alone needs.
fn built(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("this test has a path");
    let profile = own.ancestors().nth(2).expect("it is in deps/");
    let program = profile
        .join("examples")
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("examples/{name}.rs"));
    let changed = |path: &Path| path.metadata().and_then(|metadata| metadata.modified());
    let source = changed(&source).expect("the example has a source");
    assert!(
        changed(&program).is_ok_and(|program| program >= source),
        "{name} is not built as it is now: `cargo test -p espo-typed` without `--test` builds the examples"
    );
    program
}

#[test]
fn every_example_runs() {
    for (name, expected) in EXAMPLES {
        let ran = Command::new(built(name))
            .env_remove("ESPO_URL")
            .output()
            .expect("the example is a program");
        let (out, err) = (
            String::from_utf8_lossy(&ran.stdout),
            String::from_utf8_lossy(&ran.stderr),
        );
        assert!(
            ran.status.success() && out.contains(expected),
            "{name}:\n{out}\n{err}"
        );
    }
}
