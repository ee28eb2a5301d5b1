//! The program shows credentials only in its ready line, which exists to pass them on.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use serde_json::{Value, json};

const KEY: &str = "canary0key0a8d1c0de0000000000001";
const SECRET: &str = "canary0secret09b020000000000002";
const PASSWORD: &str = "canary-password-77ce";
const WRONG: &str = "canary-wrong-3fa4";
const TOKEN: &str = "canary-bearer-4e11";

fn assert_none(what: &str, text: &str) {
    let encode = |text: String| base64::engine::general_purpose::STANDARD.encode(text);
    for canary in [KEY, SECRET, PASSWORD, WRONG, TOKEN] {
        assert!(!text.contains(canary), "{canary} in {what}: {text}");
        for user in ["admin", "gate"] {
            let form = encode(format!("{user}:{canary}"));
            assert!(!text.contains(&form), "{canary} in {what}: {text}");
        }
    }
}

fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_espo-sim"));
    command
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn users() -> Value {
    json!({
        "roles": [], "teams": [],
        "users": [
            {"id": "0000000000000000a", "userName": "admin", "type": "admin", "password": PASSWORD},
            {"id": "0000000000000000b", "userName": "api", "type": "api", "authMethod": "ApiKey", "apiKey": KEY},
            {"id": "0000000000000000c", "userName": "hmac", "type": "api", "authMethod": "Hmac", "apiKey": KEY.replace('1', "2"), "secretKey": SECRET},
        ],
    })
}

/// Starts the program and returns its address.
fn started(folder: &Path) -> (Child, String) {
    std::fs::write(folder.join("users.json"), users().to_string()).unwrap();
    let mut child = program(folder)
        .args(["--users", "users.json"])
        .spawn()
        .unwrap();
    let mut line = String::new();
    let stdout = child.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
        let mut said = String::new();
        let _ = child.stderr.take().unwrap().read_to_string(&mut said);
        panic!("no ready line: {line} {said}")
    });
    let url = ready["url"].as_str().unwrap();
    (child, url.trim_start_matches("http://").to_owned())
}

#[test]
fn credentials_of_requests_are_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, address) = started(folder.path());
    let encode = |text: String| base64::engine::general_purpose::STANDARD.encode(text);
    let headers = [
        format!("X-Api-Key: {KEY}"),
        format!("X-Api-Key: {WRONG}"),
        format!(
            "Authorization: Basic {}",
            encode(format!("admin:{PASSWORD}"))
        ),
        format!("Authorization: Basic {}", encode(format!("admin:{WRONG}"))),
        format!("Authorization: Basic {}", encode(format!("gate:{WRONG}"))),
        format!("Authorization: Bearer {TOKEN}"),
        format!("Espo-Authorization: {}", encode(format!("admin:{WRONG}"))),
        format!("Espo-Authorization: {WRONG}"),
        format!("X-Hmac-Authorization: {}", encode(format!("{KEY}:{WRONG}"))),
        format!("Cookie: auth-token={TOKEN}"),
    ];
    for header in &headers {
        for (request, body) in [
            ("GET /api/v1/App/user", String::new()),
            ("GET /api/v1/Lead", String::new()),
            (
                &*format!("GET /api/v1/Nothing/{WRONG}?token={TOKEN}"),
                String::new(),
            ),
            (
                "POST /api/v1/User/changePassword",
                json!({"password": WRONG}).to_string(),
            ),
            ("POST /api/v1/Account", format!("{{\"name\": \"{WRONG}")),
        ] {
            let mut stream = TcpStream::connect(&address).unwrap();
            let length = body.len();
            write!(
                stream,
                "{request} HTTP/1.1\r\nHost: x\r\n{header}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            )
            .unwrap();
            let mut response = Vec::new();
            stream.read_to_end(&mut response).unwrap();
            assert!(response.starts_with(b"HTTP/1.1 "), "{request}");
        }
    }
    #[cfg(target_os = "linux")]
    {
        let process = format!("/proc/{}", child.id());
        let title = std::fs::read_to_string(format!("{process}/cmdline")).unwrap();
        assert_none("the process list", &title);
        for thread in std::fs::read_dir(format!("{process}/task"))
            .unwrap()
            .flatten()
        {
            let title = std::fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
            assert_none("the title of a thread", &title);
        }
    }
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_none("standard error", &String::from_utf8_lossy(&output.stderr));
}

#[test]
fn invalid_files_are_reported_without_their_credentials() {
    let folder = tempfile::tempdir().unwrap();
    let whole = users();
    let change = |pointer: &str, value: Value| {
        let mut changed = whole.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        changed.to_string()
    };
    let text = whole.to_string();
    for (name, text) in [
        (
            "a list instead of a string",
            change("/users/0/userName", json!([PASSWORD])),
        ),
        (
            "a string instead of an object",
            change("/users/1", json!(KEY)),
        ),
        (
            "a string instead of a list",
            change("/users", json!(SECRET)),
        ),
        (
            "a type that does not exist",
            change("/users/0/type", json!(WRONG)),
        ),
        (
            "an unknown method",
            change("/users/2/authMethod", json!(WRONG)),
        ),
        ("a number", change("/users/0/password", json!(7))),
        ("a cut file", text[..text.len() - 30].to_owned()),
        ("no JSON", format!("admin:{PASSWORD}\n")),
    ] {
        std::fs::write(folder.path().join("users.json"), text).unwrap();
        let mut child = program(folder.path())
            .args(["--users", "users.json"])
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        // Some of the files can be used.
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!line.is_empty() || !said.is_empty(), "{name}");
        assert_none(name, &said);
    }
}
