//! No credential appears in an output, a file, the process list or the live page, even if the server repeats it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use espo_bench::{Access, Credentials, RunOptions, Target, Workload};

use crate::cli::{accounts, bench, folder_with};
use crate::support::{Behaviour, Server};

const KEY: &str = "canary-key-4711";
const SECRET: &str = "canary-secret-0815";
const PASSWORD: &str = "canary-password-42";
const HEADER: &str = "canary-header-77";
const GATE: &str = "canary-gate-99";
const BEARER: &str = "canary-bearer-13";

const MIXED: &str = "[[operation]]\nkind = \"list\"\nentity = \"Account\"\n\n\
    [[operation]]\nkind = \"create\"\nentity = \"Account\"\n";

/// Returns all forms of the credentials that the program sends.
fn canaries() -> Vec<String> {
    let encode = |text: String| base64::engine::general_purpose::STANDARD.encode(text);
    let mut all = [KEY, SECRET, PASSWORD, HEADER, GATE, BEARER]
        .map(str::to_owned)
        .to_vec();
    all.push(encode(format!("jane:{PASSWORD}")));
    // The beginning of the header of HMAC.
    all.push(encode(KEY.into()));
    // Parts, because reasons are shortened.
    all.extend([KEY, SECRET, PASSWORD, HEADER, GATE, BEARER].map(|secret| secret[..9].to_owned()));
    all.push(encode(format!("gate:{GATE}")));
    all
}

/// Returns whether a secret was replaced, by the client or by the load tester.
fn is_redacted(text: &str) -> bool {
    text.contains("[redacted]") || text.contains('…')
}

fn assert_none(place: &str, text: &str) {
    for canary in canaries() {
        assert!(!text.contains(&canary), "{place}: {canary} in\n{text}");
    }
}

/// Returns the program with secrets of every kind in its environment.
fn with_secrets(folder: &Path, line: &str) -> Command {
    let mut command = bench(folder, line);
    command
        .env("ESPO_API_KEY", KEY)
        .env("FRONT_HEADER", HEADER)
        .env("FRONT_BEARER", format!("Bearer {BEARER}"))
        .env("FRONT_GATE", format!("gate:{GATE}"));
    command
}

fn options(server: &Server, way: &str) -> String {
    format!("--url {} --tag-requests {way}", server.url)
}

/// Returns the text of all files in a directory.
fn texts(folder: &Path) -> Vec<(String, String)> {
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path());
    let is_input = |path: &Path| path.ends_with("users.csv");
    files
        .filter(|path| path.is_file() && !is_input(path))
        .map(|path| {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            (path.display().to_string(), text)
        })
        .collect()
}

#[test]
fn secrets_that_the_server_repeats_are_not_reported() {
    let server = accounts(Behaviour {
        echoes: true,
        ..Behaviour::default()
    });
    let header = "--header-env X-Front=FRONT_HEADER --max-error-share 1";
    let gate = "--gateway-auth-env FRONT_GATE --max-error-share 1";
    for (users, way) in [
        ("", header),
        ("", gate),
        (
            "",
            "--header-env Authorization=FRONT_BEARER --max-error-share 1",
        ),
        (
            "api_key,secret_key\ncanary-key-4711,canary-secret-0815\n",
            header,
        ),
        ("username,password\njane,canary-password-42\n", header),
        ("", "--max-error-share 0.1"),
    ] {
        let folder = folder_with(MIXED);
        let mut line = format!(
            "run w.toml {} --requests 60 --keep --ledger l --json r.json --html r.html --csv r.csv --markdown r.md \
             --prometheus r.prom --junit r.xml --hdr r.hlog",
            options(&server, way)
        );
        if !users.is_empty() {
            std::fs::write(folder.path().join("users.csv"), users).unwrap();
            line.push_str(" --users users.csv");
        }
        let output = with_secrets(folder.path(), &line).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(is_redacted(&said), "the reason is quoted: {said}");
        assert_none("standard output and error", &said);
        let written = texts(folder.path());
        assert!(written.len() >= 8, "{said}");
        for (path, text) in written {
            assert_none(&path, &text);
        }
        for command in ["report r.json", "report r.json --junit -", "clean l"] {
            let output = with_secrets(folder.path(), command).output().unwrap();
            let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            assert_none(command, &said);
        }
    }
}

#[test]
fn secrets_are_not_in_errors_before_the_load() {
    let server = accounts(Behaviour {
        gate: Some(("x-other", "value")),
        ..Behaviour::default()
    });
    let folder = folder_with(MIXED);
    let user = server
        .url
        .replace("http://", &format!("http://jane:{PASSWORD}@"));
    for line in [
        format!(
            "run w.toml {}",
            options(&server, "--header-env X-Front=FRONT_HEADER")
        ),
        format!("run w.toml --url {user}"),
        format!("run w.toml --url http://127.0.0.1:1 --proxy http://jane:{PASSWORD}@127.0.0.1:1"),
        format!("init --url {}", server.url),
    ] {
        let output = with_secrets(folder.path(), &line).output().unwrap();
        assert!(!output.status.success(), "{line}");
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_none(&line, &said);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn secrets_are_neither_on_the_live_page_nor_in_the_process_list() {
    let server = accounts(Behaviour {
        echoes: true,
        ..Behaviour::default()
    });
    let folder = folder_with(MIXED);
    let line = format!(
        "run w.toml {} --duration 10m --rate 100 --dashboard 0 --quiet",
        options(
            &server,
            "--header-env X-Front=FRONT_HEADER --max-error-share 1"
        )
    );
    let mut child = with_secrets(folder.path(), &line)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut announced = String::new();
    stderr.read_line(&mut announced).unwrap();
    let address = announced.split("http://").nth(1).unwrap();
    let address = address.trim().trim_end_matches('/').to_owned();
    let process = format!("/proc/{}", child.id());
    let arguments = std::fs::read_to_string(format!("{process}/cmdline")).unwrap();
    assert_none("process list", &arguments);
    let threads = std::fs::read_dir(format!("{process}/task")).unwrap();
    for thread in threads.flatten() {
        // A thread may have ended.
        let title = std::fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
        assert_none("title of a thread", &title);
    }
    let open = |path: &str| {
        let mut stream = TcpStream::connect(&address).unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        stream
    };
    let mut page = String::new();
    open("/").read_to_string(&mut page).unwrap();
    assert_none("the page", &page);
    let mut events = String::new();
    let mut stream = BufReader::new(open("/events"));
    while !events.contains("x-front: ") {
        assert_ne!(stream.read_line(&mut events).unwrap(), 0, "{events}");
    }
    crate::recovery::interrupt(&child);
    // The stream ends with the run.
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    events.push_str(&String::from_utf8_lossy(&bytes));
    assert!(is_redacted(&events), "the reason is quoted: {events}");
    assert_none("the events", &events);
    assert!(child.wait().unwrap().code().is_some());
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    assert_none("standard error", &rest);
}

/// Other programs would inherit the environment, and so the credentials.
#[test]
fn the_load_tester_starts_no_other_program() {
    let mut files = Vec::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    crate::layers::files(&source, &mut files);
    assert!(files.len() > 50);
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains("process::Command"), "{}", file.display());
    }
}

#[test]
fn secrets_are_not_in_debug_output() {
    let credentials = vec![
        Credentials::new(espo_core::Auth::api_key(KEY)),
        Credentials::new(espo_core::Auth::hmac(KEY, SECRET)),
        Credentials::new(espo_core::Auth::password("jane", PASSWORD)),
    ];
    let target = Target::Url {
        url: "https://crm.example.com".into(),
        credentials,
    };
    let mut options = RunOptions::new(Workload::builtin("sync").unwrap(), target);
    options.access = Access::default()
        .header("X-Front", HEADER)
        .proxy(format!("http://jane:{PASSWORD}@proxy:3128"));
    let text = format!("{options:?} {options:#?}");
    assert_none("Debug", &text);
    // The message of a panic.
    let caught = std::panic::catch_unwind(|| panic!("{options:?}")).unwrap_err();
    let said = caught.downcast_ref::<String>().unwrap();
    assert!(said.contains("RunOptions"), "{said}");
    assert_none("panic", said);
}
