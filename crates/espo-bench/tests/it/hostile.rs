//! Servers that try to exhaust, mislead or hang the load tester: every command ends with a message or a report, its
//! memory is bounded, and a terminal shows no escape sequence.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::cli::{accounts, bench, folder_with};
use crate::support::evil::Act;
use crate::support::{Behaviour, Server};

const LISTS: &str = "[[operation]]\nkind = \"list\"\nentity = \"Account\"\n";
const CREATES: &str = "[[operation]]\nkind = \"create\"\nentity = \"Account\"\n";
/// Escape sequences, a line that a CI system would execute, and a direction mark.
pub(crate) const EVIL: &str = "x\u{1b}[2J\u{9b}31m\u{202e}y";

/// The result of a program.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) said: String,
    /// Largest resident memory in KiB that was seen.
    pub(crate) peak: u64,
}

/// Runs a program to its end; a hang is a failure.
pub(crate) fn run(command: &mut Command) -> Ran {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let out = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        out.read_to_end(&mut bytes).map(|_| bytes)
    });
    let err = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        err.read_to_end(&mut bytes).map(|_| bytes)
    });
    let (since, mut peak) = (Instant::now(), 0);
    let status = loop {
        peak = peak.max(resident(child.id()));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if since.elapsed() > Duration::from_secs(300) {
            child.kill().unwrap();
            panic!("{command:?} hangs");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let said = [out.join().unwrap().unwrap(), err.join().unwrap().unwrap()].concat();
    Ran {
        code: status.code(),
        said: String::from_utf8(said).unwrap(),
        peak,
    }
}

/// Returns the largest resident memory of a process so far in KiB, where the system reports it.
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

/// Returns a character that a terminal would interpret or that reorders text.
pub(crate) fn hidden(text: &str) -> Option<char> {
    text.chars()
        .find(|c| c.is_control() && !matches!(c, '\n' | '\t') || *c == '\u{202e}')
}

fn assert_shown_safely(what: &str, text: &str) {
    assert_eq!(hidden(text), None, "{what}: {text:?}");
    assert!(!text.contains("\n::error::"), "{what}: {text}");
    assert!(text.len() < 200_000, "{what}: {} bytes", text.len());
}

/// Asserts that the outputs of a run contain no control characters, and returns the report.
fn checked(folder: &Path, name: &str) -> Value {
    for file in ["r.json", "r.html", "r.md", "r.csv", "r.prom", "r.xml"] {
        let text = std::fs::read_to_string(folder.join(file)).unwrap_or_default();
        assert!(!text.is_empty(), "{name}: no {file}");
        assert_eq!(hidden(&text), None, "{name}: {file}");
    }
    serde_json::from_slice(&std::fs::read(folder.join("r.json")).unwrap()).unwrap()
}

const OUTPUTS: &str =
    "--json r.json --html r.html --markdown r.md --csv r.csv --prometheus r.prom --junit r.xml";

fn head(more: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{more}").into_bytes()
}

/// 128 MiB of spaces, compressed.
static BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..128 {
        encoder.write_all(&[b' '; 1 << 20]).unwrap();
    }
    encoder.finish().unwrap()
});

/// Returns the malicious responses with their names; `elsewhere` is the address of another server.
fn acts(elsewhere: &str) -> Vec<(&'static str, Arc<Act>)> {
    let chunked = head("Transfer-Encoding: chunked\r\n\r\n");
    let chunk = [b"10000\r\n".to_vec(), vec![b' '; 0x10000], b"\r\n".to_vec()].concat();
    let reason = format!("X-Status-Reason: {EVIL}\r\n");
    let text =
        json!({"messageTranslation": {"label": EVIL}, "message": format!("{EVIL}\n::error::z")});
    let location = format!("Location: http://{elsewhere}/api/v1/Account\r\n");
    let nested = "[".repeat(100_000);
    let list = |row: &str| format!("{{\"total\":1e308,\"list\":[{row}]}}");
    let numbers = list(&format!(
        "{{\"id\":\"1\",\"name\":\"{EVIL}\",\"x\":{}}}",
        "9".repeat(10_000)
    ))
    .replace('\u{1b}', "\\u001b");
    let acts = vec![
        (
            "headers without end",
            Act::Endless(head(""), b"X-A: b\r\n".to_vec()),
        ),
        (
            "a header value without end",
            Act::Endless(head("X-A: "), vec![b'a'; 0x4000]),
        ),
        ("a body without end", Act::Endless(chunked.clone(), chunk)),
        (
            "a body until the connection closes",
            Act::Endless(head("\r\n"), vec![b' '; 0x4000]),
        ),
        (
            "a compressed bomb",
            Act::response("200 OK", "Content-Encoding: gzip\r\n", &BOMB),
        ),
        (
            "a length of exabytes",
            Act::Stall(head("Content-Length: 9000000000000000000\r\n\r\n{}")),
        ),
        (
            "a length beyond the body",
            Act::Cut(head("Content-Length: 99\r\n\r\n{}")),
        ),
        (
            "two lengths",
            Act::Cut(head("Content-Length: 2\r\nContent-Length: 99\r\n\r\n{}")),
        ),
        (
            "an impossible chunk",
            Act::Cut([chunked, b"fffffffffffffffff\r\n{}".to_vec()].concat()),
        ),
        (
            "slow bytes",
            Act::Drip(head(&format!("X-A: {}", "a".repeat(400)))),
        ),
        ("no response", Act::Stall(Vec::new())),
        (
            "another protocol",
            Act::Cut(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc".to_vec()),
        ),
        (
            "a redirect to another server",
            Act::response("302 Found", &location, b""),
        ),
        (
            "an escape sequence as reason",
            Act::response("403 X", &reason, b""),
        ),
        (
            "escape sequences in a message",
            Act::response("400 X", "", text.to_string().as_bytes()),
        ),
        (
            "a page with an escape sequence",
            Act::response("200 OK", "", b"<html>\x1b[2J\x9b"),
        ),
        (
            "deep nesting",
            Act::response("200 OK", "", nested.as_bytes()),
        ),
        (
            "an object instead of a list",
            Act::response("200 OK", "", b"{\"list\":{\"a\":[null]},\"total\":-1}"),
        ),
        (
            "an impossible number",
            Act::response("200 OK", "", numbers.as_bytes()),
        ),
    ];
    acts.into_iter()
        .map(|(name, act)| (name, Arc::new(act)))
        .collect()
}

/// A small instance, so that the runs are short.
static METADATA: LazyLock<Arc<Act>> = LazyLock::new(|| {
    let fields = espo_schema::Schema::stock().raw["fields"].clone();
    let name = json!({"type": "varchar", "required": true, "maxLength": 249});
    let metadata = json!({
        "entityDefs": {"Account": {
            "fields": {"name": name, "description": {"type": "text"}},
            "collection": {"textFilterFields": ["name"]},
        }},
        "scopes": {"Account": {"entity": true, "object": true, "acl": true}},
        "fields": fields,
    });
    let text = metadata.to_string();
    Arc::new(Act::response("200 OK", "", text.as_bytes()))
});

/// Starts a server that responds in this way to the requests that `applies` selects by method, path and load.
fn server(act: &Arc<Act>, applies: impl Fn(&str, bool) -> bool + Send + Sync + 'static) -> Server {
    let act = Arc::clone(act);
    accounts(Behaviour {
        evil: Some(Arc::new(move |request: &str, is_load| {
            match applies(request, is_load) {
                true => Some(Arc::clone(&act)),
                false if request == "GET Metadata" => Some(Arc::clone(&METADATA)),
                false => None,
            }
        })),
        ..Behaviour::default()
    })
}

/// Runs a check for each malicious response, several at a time, because most of them wait. The third argument of the
/// check is the time limit of its commands. A busy machine can exceed a short limit before the malicious response
/// arrives, so a check that fails is repeated with a long one.
fn for_each_act(check: impl Fn(&str, &Arc<Act>, &str) + Sync) {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let address = elsewhere.local_addr().unwrap().to_string();
    let waiting = Mutex::new(acts(&address).into_iter());
    let done = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().unwrap().next();
                    let Some((name, act)) = next else { return };
                    let short = AssertUnwindSafe(|| check(name, &act, "400ms"));
                    if catch_unwind(short).is_err() {
                        check(name, &act, "10s");
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(done.into_inner(), 19);
    let visitor = elsewhere.accept();
    assert!(visitor.is_err(), "a redirect was followed: {visitor:?}");
}

/// Returns the options of a run whose requests and cleanup have this time limit.
fn within(limit: &str) -> String {
    format!(
        "--timeout {limit} --drain 200ms --cleanup-timeout {limit} --max-error-share 1 {OUTPUTS}"
    )
}

/// Two responses of 64 MiB, the limit, while they are received and decompressed, and the memory of a debug build.
const MOST_MEMORY: u64 = 700 * 1024;

#[test]
fn malicious_responses_during_the_load_are_failures() {
    for_each_act(|name, act, limit| {
        let server = server(act, |_, is_load| is_load);
        let folder = folder_with(LISTS);
        let line = format!(
            "run w.toml --url {} --concurrency 2 --requests 4 --tag-requests {}",
            server.url,
            within(limit)
        );
        let ran = run(&mut bench(folder.path(), &line));
        assert_shown_safely(name, &ran.said);
        assert!(ran.peak < MOST_MEMORY, "{name}: {} KiB", ran.peak);
        let report = checked(folder.path(), name);
        let totals = &report["totals"];
        assert_eq!(totals["requests"], 4, "{name}: {}", ran.said);
        // A number is not a reason to reject a list whose attributes are not decoded.
        if name != "an impossible number" {
            assert_eq!(totals["failed"], 4, "{name}: {}", ran.said);
            let error = &report["errors"][0];
            let sample = error["sample"].as_str().unwrap();
            assert!(!sample.is_empty(), "{name}: {error}");
            assert!(ran.said.contains(sample), "{name}: {sample}\n{}", ran.said);
        }
        let expected = i32::from(totals["failed"] == 4);
        assert_eq!(ran.code, Some(expected), "{name}: {}", ran.said);
    });
}

#[test]
fn malicious_responses_before_the_load_are_errors() {
    for_each_act(|name, act, limit| {
        for request in ["GET App/user", "GET Metadata", "GET App/about"] {
            let server = server(act, move |seen, _| seen == request);
            let folder = folder_with(LISTS);
            let url = &server.url;
            let line = format!("run w.toml --url {url} --requests 4 {}", within(limit));
            for line in [line, format!("init --url {url} --timeout {limit}")] {
                let ran = run(&mut bench(folder.path(), &line));
                let what = format!("{name}, {request}, {line}");
                assert_shown_safely(&what, &ran.said);
                assert!(ran.peak < MOST_MEMORY, "{what}: {} KiB", ran.peak);
                // The version is not essential.
                let expected = if request == "GET App/about" { 0 } else { 3 };
                assert_eq!(ran.code, Some(expected), "{what}: {}", ran.said);
                if expected == 0 && line.starts_with("run") {
                    checked(folder.path(), &what);
                }
            }
        }
    });
}

#[test]
fn malicious_responses_to_writes_leave_a_report_and_a_ledger() {
    for_each_act(|name, act, limit| {
        for request in ["POST Account", "DELETE Account"] {
            let server = server(act, move |seen, _| seen.starts_with(request));
            let folder = folder_with(CREATES);
            let line = format!(
                "run w.toml --url {} --concurrency 2 --requests 4 --ledger l {}",
                server.url,
                within(limit)
            );
            let ran = run(&mut bench(folder.path(), &line));
            let what = format!("{name}, {request}");
            assert_shown_safely(&what, &ran.said);
            assert!(ran.peak < MOST_MEMORY, "{what}: {} KiB", ran.peak);
            let writes = checked(folder.path(), &what)["writes"].clone();
            crate::recovery::assert_adds_up(&writes);
            // A body that is lost after a successful status does not undo a deletion.
            let is_confirmed = [
                "a length of exabytes",
                "a length beyond the body",
                "an impossible chunk",
            ];
            // Such a body is lost when it exceeds the maximum size, unless the time limit ends the request before.
            let is_large = [
                "a body without end",
                "a body until the connection closes",
                "a compressed bomb",
            ];
            if request == "DELETE Account" && is_confirmed.contains(&name) {
                assert_eq!(writes["removed"], 4, "{what}: {}", ran.said);
            } else if request == "DELETE Account"
                && is_large.contains(&name)
                && writes["removed"] != 0
            {
                assert_eq!(writes["missing"], 0, "{what}: {}", ran.said);
            } else if request == "DELETE Account" {
                assert_eq!(writes["left"], 4, "{what}: {}", ran.said);
                assert_eq!(ran.code, Some(1), "{what}: {}", ran.said);
                let clean = format!(
                    "clean l --timeout {limit} --cleanup-timeout {limit} --url {}",
                    server.url
                );
                let ran = run(&mut bench(folder.path(), &clean));
                assert_shown_safely(&what, &ran.said);
                assert_eq!(ran.code, Some(1), "{what}: {}", ran.said);
                assert!(ran.said.contains("4 remaining"), "{what}: {}", ran.said);
            } else {
                // The server created nothing, and a search by marker proves it.
                assert_eq!(writes["left"], 0, "{what}: {}", ran.said);
                assert_eq!(writes["unconfirmed"], 0, "{what}: {}", ran.said);
            }
        }
    });
}

#[test]
fn malicious_responses_end_cleanups_and_searches_for_capacity() {
    let folder = folder_with(CREATES);
    let good = server(&METADATA, |request, _| request == "GET Metadata");
    let line = format!(
        "run w.toml --url {} --requests 3 --keep --ledger l",
        good.url
    );
    assert_eq!(run(&mut bench(folder.path(), &line)).code, Some(0));
    let ledger = std::fs::read(folder.path().join("l")).unwrap();
    std::fs::write(folder.path().join("lists.toml"), LISTS).unwrap();
    for_each_act(|name, act, limit| {
        let server = server(act, |_, is_load| !is_load);
        // A separate ledger, because cleanups of one ledger exclude each other.
        let copy = tempfile::NamedTempFile::new_in(folder.path()).unwrap();
        std::fs::write(&copy, &ledger).unwrap();
        let line = format!(
            "clean {} --url {} --timeout {limit} --cleanup-timeout {limit}",
            copy.path().display(),
            server.url
        );
        let ran = run(&mut bench(folder.path(), &line));
        assert_shown_safely(name, &ran.said);
        assert!(ran.peak < MOST_MEMORY, "{name}: {} KiB", ran.peak);
        assert_eq!(ran.code, Some(3), "{name}: {}", ran.said);
        let after = std::fs::read(&copy).unwrap();
        assert!(after == ledger, "{name}: the ledger has changed");

        let server = self::server(act, |_, is_load| is_load);
        let line = format!(
            "capacity lists.toml --url {} --workers --from 1 --to 2 --probe 300ms --tag-requests --timeout {limit} \
             --drain 200ms --max-error-share 1 --slo errors<1%",
            server.url
        );
        let ran = run(&mut bench(folder.path(), &line));
        assert_shown_safely(name, &ran.said);
        assert!(ran.peak < MOST_MEMORY, "{name}: {} KiB", ran.peak);
        let is_list = name == "an impossible number";
        // A busy machine can keep a search from finding the capacity.
        assert!(
            ran.code == Some(1) || is_list && ran.code == Some(0),
            "{name}: {}",
            ran.said
        );
    });
}
