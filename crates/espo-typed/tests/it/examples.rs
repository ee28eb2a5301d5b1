//! The examples run, against the embedded server, and say what they should.

use std::process::Command;

#[test]
fn every_example_runs() {
    for (name, expected) in [
        ("first_query", "A deal: 10000 from Acme\n1 deals won\n"),
        ("nightly_sync", "7 contacts synced, up to "),
        ("import", "2 created, 1 updated\ncreated\nupdated\n"),
        ("file_upload", "20000 bytes came back, the same\n"),
        (
            "webhook_receiver",
            "is called Some(\"Acme\")\nHTTP/1.1 200 OK\nHTTP/1.1 403 Forbidden\n",
        ),
        ("testing_your_code", "2 customers, by 1 request\n"),
    ] {
        let ran = Command::new(env!("CARGO"))
            .args([
                "run",
                "--quiet",
                "--offline",
                "-p",
                "espo-typed",
                "--example",
                name,
            ])
            .env_remove("ESPO_URL")
            .output()
            .expect("cargo runs");
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
