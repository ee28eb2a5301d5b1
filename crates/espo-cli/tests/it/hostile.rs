//! Servers and exports that try to mislead the program: nothing is written outside of the given paths, no credential goes
//! elsewhere, and a terminal shows no escape sequence.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::server::{Answer, Server, response};
use crate::support::{run_in, text};

const KEY: (&str, &str) = ("ESPO_API_KEY", "0123456789abcdef0123456789abcdef");

fn key() -> Vec<(&'static str, String)> {
    vec![(KEY.0, KEY.1.to_owned())]
}

/// Metadata with one entity type of this name.
fn metadata(name: &str) -> Value {
    json!({
        "entityDefs": {name: {"fields": {"name": {"type": "varchar", "required": true}}}},
        "scopes": {name: {"entity": true, "object": true}},
        "fields": espo_schema::Schema::stock().raw["fields"].clone(),
    })
}

/// A server that knows one user and has this metadata.
fn server(user: &Value, metadata: &Value) -> Server {
    let (user, metadata) = (json!({"user": user}).to_string(), metadata.to_string());
    Server::start(move |path| match path {
        "/api/v1/App/user" => response("200 OK", "", &user),
        "/api/v1/Metadata" => response("200 OK", "", &metadata),
        _ => response("200 OK", "", "{}"),
    })
}

/// Control characters other than layout, and characters that reorder text.
fn hidden(text: &str) -> Option<char> {
    text.chars()
        .find(|c| c.is_control() && !matches!(c, '\n' | '\t') || *c == '\u{202e}')
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the directory");
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn exported_names_cannot_leave_the_directory() {
    for name in [
        "../../outside",
        "..",
        "/tmp/outside",
        "a/b",
        "a\\b",
        "C:outside",
        ".hidden",
        "a\0b",
        "",
        "unset",
    ] {
        let server = server(
            &json!({"id": "1", "userName": "a", "type": "admin"}),
            &metadata(name),
        );
        let folder = tempfile::tempdir().expect("a directory");
        let project = folder.path().join("project");
        fs::create_dir(&project).expect("created");
        let pull = format!("pull --split --no-labels --url {} --out crm", server.url());
        let ran = run_in(&project, &pull, &key()).await;
        assert_eq!(ran.status.code(), Some(2), "{name:?}: {}", text(&ran));
        assert_eq!(hidden(&text(&ran)), None, "{name:?}: {}", text(&ran));
        assert_eq!(names(folder.path()), ["project"], "{name:?}");
        assert_eq!(names(&project), Vec::<String>::new(), "{name:?}");
        // In a single file, names are only strings, and the names of generated files do not come from the instance.
        let pull = format!("pull --no-labels --url {} --out crm.json", server.url());
        let ran = run_in(&project, &pull, &key()).await;
        assert!(ran.status.success(), "{name:?}: {}", text(&ran));
        let codegen = "codegen --metadata crm.json --out sdk --crate-name sdk";
        let ran = run_in(&project, codegen, &[]).await;
        assert!(ran.status.success(), "{name:?}: {}", text(&ran));
        assert_eq!(hidden(&text(&ran)), None, "{name:?}: {}", text(&ran));
        assert_eq!(names(folder.path()), ["project"], "{name:?}");
        assert_eq!(names(&project), ["crm.json", "sdk"], "{name:?}");
        for file in names(&project.join("sdk/src/generated")) {
            assert!(
                file.chars()
                    .all(|c| c.is_alphanumeric() || "._".contains(c)),
                "{file:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn escape_sequences_of_a_server_do_not_reach_the_terminal() {
    let evil = "x\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}y\r\n::error::z";
    let user = json!({"id": "1", "userName": evil, "type": evil});
    let mut tree = metadata(evil);
    tree["entityDefs"][evil]["fields"][evil] = json!({"type": evil});
    tree["entityDefs"][evil]["links"] = json!({evil: {"type": "hasMany", "entity": evil}});
    let server = server(&user, &tree);
    let folder = tempfile::tempdir().expect("a directory");
    fs::write(
        folder.path().join("old.json"),
        metadata("Account").to_string(),
    )
    .expect("written");
    let url = server.url();
    // The type of the user is unknown, so the comparison is partial and missing items count as hidden.
    for (arguments, code) in [
        (format!("pull --no-labels --url {url} --out new.json"), 0),
        (
            "codegen --metadata new.json --out sdk --crate-name sdk".to_owned(),
            0,
        ),
        ("diff old.json new.json".to_owned(), 1),
        ("diff new.json old.json".to_owned(), 1),
        ("diff old.json new.json --format markdown".to_owned(), 1),
        ("diff old.json new.json --format json".to_owned(), 1),
        (format!("drift --url {url} --metadata old.json"), 0),
    ] {
        let ran = run_in(folder.path(), &arguments, &key()).await;
        let printed = text(&ran);
        assert_eq!(ran.status.code(), Some(code), "{arguments}: {printed}");
        assert_eq!(hidden(&printed), None, "{arguments}: {printed:?}");
        assert!(!printed.contains("\n::error::"), "{arguments}: {printed}");
        if arguments.contains("json --format json") {
            let parsed = serde_json::from_slice::<Value>(&ran.stdout).expect("JSON");
            assert!(parsed.to_string().contains("::error::"), "{parsed}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn malicious_responses_are_errors_and_replace_no_file() {
    let elsewhere = Server::start(|_| response("200 OK", "", "{}"));
    let redirect = format!("Location: http://{}/api/v1/App/user\r\n", elsewhere.address);
    let head = |more: &str| {
        format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{more}").into_bytes()
    };
    let evil = "\u{9b}2J\u{202e}";
    type Make = Box<dyn Fn() -> Answer + Send + Sync>;
    let cases: Vec<(&str, i32, Make)> = vec![
        ("a redirect", 3, {
            Box::new(move || response("302 Found", &redirect, ""))
        }),
        ("headers without end", 3, {
            Box::new(move || Answer::Endless(head(""), b"X-A: b\r\n".to_vec()))
        }),
        ("a body without end", 3, {
            let start = head("Transfer-Encoding: chunked\r\n\r\n");
            let piece = [b"10000\r\n".to_vec(), vec![b' '; 0x10000], b"\r\n".to_vec()].concat();
            Box::new(move || Answer::Endless(start.clone(), piece.clone()))
        }),
        ("a body of exabytes", 3, {
            let start = head("Content-Length: 9000000000000000000\r\n\r\n{}");
            Box::new(move || Answer::Bytes(start.clone()))
        }),
        ("an escape sequence as reason", 3, {
            Box::new(move || response("403 X", &format!("X-Status-Reason: {evil}\r\n"), ""))
        }),
        ("a page with an escape sequence", 3, {
            Box::new(|| response("200 OK", "", "<html>\u{1b}[2J"))
        }),
        ("deep nesting", 3, {
            Box::new(|| response("200 OK", "", &"[".repeat(100_000)))
        }),
        (
            "not an object",
            3,
            Box::new(|| response("200 OK", "", "[1]")),
        ),
    ];
    for (name, code, make) in cases {
        let is_page = name.contains("page");
        let server = Server::start(move |path| match path {
            "/api/v1/App/user" if !is_page => make(),
            "/api/v1/App/user" => response("200 OK", "", "{\"user\":{}}"),
            _ => make(),
        });
        let folder = tempfile::tempdir().expect("a directory");
        let before = metadata("Account").to_string();
        fs::write(folder.path().join("crm.json"), &before).expect("written");
        let pull = format!("pull --no-labels --url {} --out crm.json", server.url());
        let ran = run_in(folder.path(), &pull, &key()).await;
        let printed = text(&ran);
        assert_eq!(ran.status.code(), Some(code), "{name}: {printed}");
        assert_eq!(hidden(&printed), None, "{name}: {printed:?}");
        assert!(printed.len() < 4_000, "{name}: {printed}");
        let after = fs::read_to_string(folder.path().join("crm.json")).expect("the file");
        assert_eq!(after, before, "{name}");
        assert_eq!(names(folder.path()), ["crm.json"], "{name}");
    }
    assert_eq!(elsewhere.heads(), Vec::<String>::new());
}
