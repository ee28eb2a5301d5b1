//! Invalid input: it is reported by the command that receives it, and nothing is written.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Output;

use crate::support::{espo, text, workspace};

fn run(folder: &Path, arguments: &[&str]) -> Output {
    espo(folder)
        .args(arguments)
        .output()
        .expect("the program runs")
}

/// Arguments of `codegen` for two entity types of the stock metadata.
fn codegen<'a>(metadata: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["codegen", "--metadata", metadata, "--out"];
    arguments.extend(more);
    arguments
}

fn stock() -> String {
    let path = workspace().join("metadata");
    path.to_str().expect("a path").to_owned()
}

fn assert_rejected(output: &Output, part: &str) {
    let shown = text(output);
    assert_eq!(output.status.code(), Some(2), "{shown}");
    assert!(shown.contains(part), "expected {part:?} in: {shown}");
}

#[test]
fn passwords_in_urls_are_neither_shown_nor_written() {
    let folder = tempfile::tempdir().expect("a directory");
    let url = "https://user:secretpw@crm.example.com";
    let config = "[metadata]\nexport = \"m.json\"\n[generate]\ncrate = \"crm\"\n";
    fs::write(folder.path().join("c.toml"), config).expect("a configuration");
    for arguments in [
        &["init", "--url", url][..],
        &["pull", "--url", url],
        &["drift", "--url", url, "--metadata", &stock()],
        &["update", "--url", url, "--config", "c.toml"],
        &["conformance", "--url", url],
        &["differential", "--real", url],
    ] {
        let output = run(folder.path(), arguments);
        assert_rejected(&output, "ESPO_PASSWORD");
        assert!(!text(&output).contains("secretpw"), "{}", text(&output));
    }
    assert!(!folder.path().join("espo.toml").exists());
}

#[test]
fn crate_names_that_cargo_rejects_are_reported() {
    let folder = tempfile::tempdir().expect("a directory");
    for name in ["self", "fn", "std", "test", "espo-core", &"a".repeat(300)] {
        let output = run(folder.path(), &codegen(&stock(), &[name]));
        assert_rejected(&output, "invalid crate name");
        assert!(!folder.path().join(name).exists(), "{name}");
        assert!(text(&output).len() < 1_000);
    }
}

#[test]
fn entity_types_are_trimmed_and_similar_names_suggested() {
    let folder = tempfile::tempdir().expect("a directory");
    let with = |only: &str| {
        let more = ["crm", "--only", only];
        run(folder.path(), &codegen(&stock(), &more))
    };
    assert_rejected(&with("Account,"), "empty name");
    assert_rejected(&with("a\"b"), "no entity type `a\"b`");
    assert_rejected(&with("account"), "did you mean `Account`?");
    let unknown = with("Zzyzx");
    assert_rejected(&unknown, "no entity type `Zzyzx`");
    assert!(
        !text(&unknown).contains("did you mean"),
        "{}",
        text(&unknown)
    );
    let output = with(" Account , Contact ");
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).starts_with("2 of "), "{}", text(&output));
}

#[test]
fn messages_do_not_repeat_whole_files() {
    let folder = tempfile::tempdir().expect("a directory");
    let long = format!("{{\"a\": \"{}\"}}", "x".repeat(300_000));
    fs::write(folder.path().join("long.json"), long).expect("a file");
    let stock = stock();
    for arguments in [
        codegen(&stock, &["crm", "--overrides", "long.json"]),
        codegen(&stock, &["crm", "--config", "long.json"]),
    ] {
        let output = run(folder.path(), &arguments);
        assert_rejected(&output, "long.json");
        assert!(
            text(&output).len() < 20_000,
            "{} bytes",
            text(&output).len()
        );
    }
}

#[test]
fn errors_name_the_operation_and_the_file() {
    let folder = tempfile::tempdir().expect("a directory");
    fs::create_dir(folder.path().join("dir")).expect("a directory");
    fs::write(folder.path().join("file"), "").expect("a file");
    for (more, part) in [
        (["crm", "--overrides", "dir"], "cannot read or write dir"),
        (["file", "--crate-name", "crm"], "cannot read or write file"),
    ] {
        let output = run(folder.path(), &codegen(&stock(), &more));
        assert_rejected(&output, part);
    }
}

#[test]
fn empty_variables_count_as_unset() {
    let folder = tempfile::tempdir().expect("a directory");
    let output = espo(folder.path())
        .args(codegen(&stock(), &["crm", "--only", "Account"]))
        .env("ESPO_CONFIG", "")
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", text(&output));
    let output = espo(folder.path())
        .args(["pull"])
        .env("ESPO_URL", "")
        .output()
        .expect("the program runs");
    assert_rejected(&output, "no instance given");
    let output = espo(folder.path())
        .args(["init"])
        .env("ESPO_URL", "")
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", text(&output));
}

/// Starts a server on a free port that returns the same response to every request.
fn site(body: &'static str) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close";
            let length = body.len();
            let _ = write!(stream, "{head}\r\nContent-Length: {length}\r\n\r\n{body}");
        }
    });
    url
}

#[test]
fn sites_that_are_not_espocrm_exit_with_3() {
    let folder = tempfile::tempdir().expect("a directory");
    for body in ["<!DOCTYPE html><html></html>", "null", "[]", "", "text"] {
        let output = espo(folder.path())
            .args(["pull", "--url", &site(body)])
            .env("ESPO_API_KEY", "key")
            .output()
            .expect("the program runs");
        assert_eq!(output.status.code(), Some(3), "{body:?}: {}", text(&output));
        assert!(!folder.path().join("metadata.json").exists());
    }
}
