//! Runs whose ledger, server or user disappears: the report is written and lists what remains.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cli::{accounts, bench, folder_with};
use crate::support::{Behaviour, Server};

const CREATES: &str = "[[operation]]\nkind = \"create\"\nentity = \"Account\"\n";

fn slow() -> Server {
    accounts(Behaviour {
        delay: Some(std::sync::Arc::new(|_: &str, _| Duration::from_millis(5))),
        ..Behaviour::default()
    })
}

pub(crate) fn start(command: &mut Command) -> Child {
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

pub(crate) fn wait_for(what: &str, mut happened: impl FnMut() -> bool) {
    let since = Instant::now();
    while !happened() {
        assert!(since.elapsed() < Duration::from_secs(180), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Sends a signal to a run.
pub(crate) fn signal(child: &Child, name: &str) {
    let kill = Command::new("kill")
        .args(["-s", name, &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
}

/// Ends a run as a CI system does; it still deletes its records and writes its report.
pub(crate) fn interrupt(child: &Child) {
    signal(child, "TERM");
}

pub(crate) fn end(child: Child) -> (i32, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().unwrap();
    let said = String::from_utf8([stdout, stderr].concat()).unwrap();
    (status.code().unwrap(), said)
}

pub(crate) fn report(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("r.json")).unwrap()).unwrap()
}

pub(crate) fn assert_adds_up(writes: &Value) {
    let count = |name: &str| writes[name].as_u64().unwrap();
    assert_eq!(
        count("created"),
        count("removed") + count("missing") + count("left"),
        "{writes}"
    );
}

#[test]
fn removed_ledgers_stop_the_load_and_records_are_deleted() {
    let (server, folder) = (slow(), folder_with(CREATES));
    let line = format!(
        "run w.toml --url {} --concurrency 4 --duration 10m --tag-requests --ledger l --json r.json",
        server.url
    );
    let child = start(&mut bench(folder.path(), &line));
    wait_for("nothing was sent", || server.seen().len() > 80);
    std::fs::remove_file(folder.path().join("l")).unwrap();
    let (code, said) = end(child);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("the ledger l was removed"), "{said}");
    let report = report(folder.path());
    assert_eq!(report["run"]["stopped_by"], "ledger");
    assert!(report["totals"]["requests"].as_u64() >= Some(80));
    assert_eq!(report["writes"]["left"], 0, "{said}");
    assert_adds_up(&report["writes"]);
    assert_eq!(server.ids("Account").len(), 20, "{said}");
}

/// A limit on file sizes simulates a full disk.
#[cfg(target_os = "linux")]
#[test]
fn full_disks_stop_the_load_and_records_are_deleted() {
    let (server, folder) = (slow(), folder_with(CREATES));
    let line = format!(
        "run w.toml --url {} --concurrency 4 --duration 10m --tag-requests --ledger l --json r.json",
        server.url
    );
    let mut shell = Command::new("sh");
    // 512-byte blocks: the ledger is full after about 300 records; the report is smaller.
    shell
        .args(["-c", "ulimit -f 150; exec \"$@\"", "sh"])
        .arg(env!("CARGO_BIN_EXE_espo-bench"))
        .args(line.split_whitespace())
        .current_dir(folder.path())
        .env("ESPO_API_KEY", "key")
        .env("NO_PROXY", "*")
        .env_remove("ESPO_SECRET_KEY");
    let (code, said) = end(start(&mut shell));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("cannot write the ledger"), "{said}");
    let report = report(folder.path());
    assert_eq!(report["run"]["stopped_by"], "ledger");
    assert_eq!(report["writes"]["left"], 0, "{said}");
    assert_adds_up(&report["writes"]);
    assert_eq!(server.ids("Account").len(), 20, "{said}");
}

/// Starts a simulator that can be killed, and returns its key.
fn simulator() -> (tokio::runtime::Runtime, espo_sim::Sim, String) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let sim = runtime.block_on(espo_sim::Sim::builder().start()).unwrap();
    let users = sim.users();
    let key = users.api_key_user().and_then(|u| u.api_key.clone());
    (runtime, sim, key.unwrap())
}

#[test]
fn killed_servers_do_not_hold_up_the_cleanup() {
    let (runtime, sim, key) = simulator();
    let folder = folder_with(CREATES);
    let line = format!(
        "run w.toml --url {} --concurrency 4 --duration 10m --max-error-share 0.01 --ledger l --json r.json",
        sim.url()
    );
    let child = start(bench(folder.path(), &line).env("ESPO_API_KEY", key));
    let ledger = folder.path().join("l");
    wait_for("nothing was created", || {
        std::fs::metadata(&ledger).is_ok_and(|m| m.len() > 50_000)
    });
    drop(sim);
    runtime.shutdown_background();
    let (code, said) = end(child);
    assert_eq!(code, 1, "{said}");
    let writes = report(folder.path())["writes"].clone();
    assert!(writes["left"].as_u64() > Some(100), "{said}");
    assert_adds_up(&writes);
    let remaining = format!("{} remaining", writes["left"]);
    assert!(said.contains(&remaining), "{said}");
    assert!(
        said.contains("delete them with: espo-bench clean l"),
        "{said}"
    );
    // Each delete is sent by a client that waits between attempts, so only some of the records were tried.
    let reasons = writes["reasons"].as_array().unwrap();
    assert!(!reasons.is_empty(), "{writes}");
    let (_, left) = espo_bench::read_ledger(&ledger).unwrap();
    assert_eq!(
        left.len() as u64,
        writes["left"].as_u64().unwrap() + writes["unconfirmed"].as_u64().unwrap()
    );
}

#[test]
fn cleanups_of_silent_servers_end_after_their_timeout() {
    let server = accounts(Behaviour {
        mute_deletes: true,
        ..Behaviour::default()
    });
    let folder = folder_with(CREATES);
    let line = format!(
        "run w.toml --url {} --requests 30 --cleanup-timeout 300ms --ledger l --json r.json",
        server.url
    );
    let (code, said) = end(start(&mut bench(folder.path(), &line)));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("30 remaining"), "{said}");
    assert!(said.contains("no record was deleted within 300"), "{said}");
    assert_adds_up(&report(folder.path())["writes"]);
}

/// Returns whether this process, and so the program that it starts, was started with `nohup`.
pub(crate) fn ignores_hang_up() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|l| l.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|m| u64::from_str_radix(m.trim(), 16).ok());
    mask.is_none_or(|mask| mask & 1 != 0)
}

/// Returns the program as a shell starts it that ignores a signal.
#[cfg(unix)]
fn ignoring(signal: &str, folder: &Path, line: &str) -> Command {
    let mut shell = Command::new("sh");
    let script = format!("trap '' {signal}; exec \"$@\"");
    shell
        .args(["-c", &script, "sh"])
        .arg(env!("CARGO_BIN_EXE_espo-bench"))
        .args(line.split_whitespace())
        .current_dir(folder)
        .env("ESPO_API_KEY", "key")
        .env("NO_PROXY", "*")
        .env_remove("ESPO_SECRET_KEY");
    shell
}

/// `nohup` requests that a closed terminal does not end the run.
#[cfg(target_os = "linux")]
#[test]
fn runs_started_with_nohup_ignore_hang_ups() {
    let (server, folder) = (slow(), folder_with(CREATES));
    let line = format!(
        "run w.toml --url {} --concurrency 2 --requests 100 --tag-requests --json r.json",
        server.url
    );
    let mut shell = ignoring("HUP", folder.path(), &line);
    let child = start(&mut shell);
    wait_for("nothing was sent", || server.seen().len() > 10);
    signal(&child, "HUP");
    let (code, said) = end(child);
    assert_eq!(code, 0, "{said}");
    assert_eq!(report(folder.path())["totals"]["requests"], 100);
}

/// A shell starts commands in the background so that Ctrl-C for a script does not end them.
#[cfg(target_os = "linux")]
#[test]
fn ignored_signals_stay_ignored() {
    for signal in ["INT", "TERM"] {
        let (server, folder) = (slow(), folder_with(CREATES));
        let line = format!(
            "run w.toml --url {} --concurrency 2 --requests 100 --tag-requests --json r.json",
            server.url
        );
        let mut shell = ignoring(signal, folder.path(), &line);
        let child = start(&mut shell);
        wait_for("nothing was sent", || server.seen().len() > 10);
        self::signal(&child, signal);
        let (code, said) = end(child);
        assert_eq!(code, 0, "{signal}: {said}");
        assert_eq!(report(folder.path())["totals"]["requests"], 100, "{signal}");
    }
}

/// Otherwise a cancelled job of a CI system would report that it met its SLOs.
#[test]
fn interrupted_runs_with_slos_exit_with_1() {
    let (server, folder) = (slow(), folder_with(CREATES));
    let line = format!(
        "run w.toml --url {} --duration 10m --tag-requests --slo p99<10s --json r.json --junit r.xml --markdown r.md",
        server.url
    );
    let child = start(&mut bench(folder.path(), &line));
    wait_for("nothing was sent", || server.seen().len() > 20);
    interrupt(&child);
    let (code, said) = end(child);
    assert_eq!(code, 1, "{said}");
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(read("r.xml").contains("stopped early: interrupted"));
    assert!(read("r.md").contains("Stopped early: interrupted"));
}

#[test]
fn runs_interrupted_before_the_measurement_exit_with_1() {
    let signals = match ignores_hang_up() {
        false => &["TERM", "INT", "HUP"][..],
        true => &["TERM", "INT"],
    };
    for signal in signals {
        let (server, folder) = (slow(), folder_with(CREATES));
        let line = format!(
            "run w.toml --url {} --warmup 10m --duration 10m --tag-requests --json r.json",
            server.url
        );
        let child = start(&mut bench(folder.path(), &line));
        wait_for("nothing was sent", || server.seen().len() > 20);
        self::signal(&child, signal);
        let (code, said) = end(child);
        assert_eq!(code, 1, "{signal}: {said}");
        assert_eq!(report(folder.path())["run"]["stopped_by"], "interrupted");
        assert_eq!(server.ids("Account").len(), 20, "{said}");
    }
}

#[test]
fn clean_does_not_claim_records_that_another_server_never_had() {
    let folder = folder_with(CREATES);
    let (server, other) = (slow(), slow());
    let line = format!(
        "run w.toml --url {} --requests 12 --keep --ledger l",
        server.url
    );
    let (code, said) = end(start(&mut bench(folder.path(), &line)));
    assert_eq!(code, 0, "{said}");
    let clean = |line: &str| end(start(&mut bench(folder.path(), line)));
    let (code, said) = clean(&format!("clean l --url {}", other.url));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("0 found, 0 deleted"), "{said}");
    assert!(said.contains("the ledger is unchanged"), "{said}");
    let (code, said) = clean("clean l");
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("12 found, 12 deleted, 0 remaining"), "{said}");
    let (code, said) = clean("clean l");
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("0 found, 0 deleted"), "{said}");
    assert_eq!(server.ids("Account").len(), 20);
}

#[test]
fn missing_records_are_not_reported_as_deleted() {
    let folder = folder_with(CREATES);
    let server = slow();
    let line = format!(
        "run w.toml --url {} --requests 12 --keep --ledger l",
        server.url
    );
    let (code, said) = end(start(&mut bench(folder.path(), &line)));
    assert_eq!(code, 0, "{said}");
    server.forget("Account");
    let (code, said) = end(start(&mut bench(folder.path(), "clean l")));
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("12 records in the ledger: 0 found"), "{said}");
}

#[test]
fn rejected_credentials_during_the_load_leave_a_report() {
    let server = accounts(Behaviour {
        rejects_after: Some(40),
        ..Behaviour::default()
    });
    let folder = folder_with(CREATES);
    let line = format!(
        "run w.toml --url {} --concurrency 1 --duration 10m --tag-requests --ledger l --json r.json",
        server.url
    );
    let (code, said) = end(start(&mut bench(folder.path(), &line)));
    assert_eq!(code, 3, "{said}");
    let report = report(folder.path());
    assert_eq!(report["run"]["stopped_by"], "credentials");
    assert_eq!(report["writes"]["left"], 40, "{said}");
    assert!(said.contains("espo-bench clean l"), "{said}");
}

/// A login page or a captive portal responds to every request with 200.
#[test]
fn clean_deletes_nothing_if_the_server_is_not_espocrm() {
    use std::io::{Read as _, Write as _};
    let (server, folder) = (slow(), folder_with(CREATES));
    let line = format!(
        "run w.toml --url {} --requests 12 --keep --ledger l",
        server.url
    );
    let (code, said) = end(start(&mut bench(folder.path(), &line)));
    assert_eq!(code, 0, "{said}");
    let before = std::fs::read(folder.path().join("l")).unwrap();
    let portal = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", portal.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in portal.incoming().flatten() {
            let _ = stream.read(&mut [0; 8_192]);
            let page = "<html>Please log in</html>";
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close";
            let _ = write!(
                stream,
                "{head}\r\nContent-Length: {}\r\n\r\n{page}",
                page.len()
            );
        }
    });
    let (code, said) = end(start(&mut bench(
        folder.path(),
        &format!("clean l --url {url}"),
    )));
    assert_eq!(code, 3, "{said}");
    assert_eq!(std::fs::read(folder.path().join("l")).unwrap(), before);
    let (code, said) = end(start(&mut bench(folder.path(), "clean l")));
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("12 found, 12 deleted, 0 remaining"), "{said}");
}

#[test]
fn interruptions_of_the_setup_exit_with_1() {
    let setup = format!("[setup]\nrecords = {{ Contact = 50000 }}\n{CREATES}");
    let (server, folder) = (slow(), folder_with(&setup));
    let line = format!("run w.toml --url {} --requests 5 --ledger l", server.url);
    let child = start(&mut bench(folder.path(), &line));
    wait_for("nothing was created", || !server.ids("Contact").is_empty());
    interrupt(&child);
    let (code, said) = end(child);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("interrupted during the setup"), "{said}");
    assert!(server.ids("Contact").is_empty(), "{said}");
}
