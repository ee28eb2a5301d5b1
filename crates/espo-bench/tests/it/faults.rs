//! Faults of the network, the server and the load generator's machine: the run ends, reports only what it measured, and
//! neither leaves records nor deletes those of others.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::cli::{accounts, bench, folder_with};
use crate::recovery::{assert_adds_up, end, interrupt, report, signal, start, wait_for};
use crate::support::{Behaviour, Server};

const MIXED: &str = "[[operation]]\nkind = \"list\"\nentity = \"Account\"\n\n\
    [[operation]]\nkind = \"create\"\nentity = \"Account\"\nweight = 3\n";

fn delayed() -> Server {
    accounts(Behaviour {
        delay: Some(Arc::new(|_: &str, _| Duration::from_millis(2))),
        ..Behaviour::default()
    })
}

/// A TCP proxy in front of the server, which can be restarted or stop forwarding without closing connections.
struct Gate {
    address: SocketAddr,
    server: String,
    open: Mutex<Option<Arc<Line>>>,
}

/// The connections since the last restart.
#[derive(Default)]
struct Line {
    closed: AtomicBool,
    /// Nothing is forwarded any more, and connections stay open.
    silent: AtomicBool,
    /// New connections are closed at once.
    rejects: AtomicBool,
    rejected: AtomicUsize,
    streams: Mutex<Vec<TcpStream>>,
}

impl Gate {
    fn new(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let gate = Self {
            address: listener.local_addr().unwrap(),
            server: server.url.trim_start_matches("http://").to_owned(),
            open: Mutex::default(),
        };
        gate.accept(listener);
        gate
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn accept(&self, listener: TcpListener) {
        let line = Arc::new(Line::default());
        *self.open.lock().unwrap() = Some(Arc::clone(&line));
        let server = self.server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if line.closed.load(Ordering::Relaxed) {
                    return;
                }
                if line.rejects.load(Ordering::Relaxed) {
                    line.rejected.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                let Ok(upstream) = TcpStream::connect(&server) else {
                    continue;
                };
                for (from, to) in [(&stream, &upstream), (&upstream, &stream)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    line.streams.lock().unwrap().push(from.try_clone().unwrap());
                    let line = Arc::clone(&line);
                    std::thread::spawn(move || forward(from, to, &line));
                }
            }
        });
    }

    /// Closes all connections, waits until a request has failed for that reason, and then refuses connections.
    fn stop(&self) {
        let line = self.open.lock().unwrap().take().unwrap();
        line.rejects.store(true, Ordering::Relaxed);
        for stream in line.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        wait_for("no new connection", || {
            line.rejected.load(Ordering::Relaxed) > 0
        });
        line.closed.store(true, Ordering::Relaxed);
        // Wakes the accepting thread, which then drops its listener.
        drop(TcpStream::connect(self.address));
        for stream in line.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn start_again(&self) {
        let listener = loop {
            match TcpListener::bind(self.address) {
                Ok(listener) => break listener,
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        self.accept(listener);
    }

    fn fall_silent(&self) {
        let open = self.open.lock().unwrap();
        open.as_ref().unwrap().silent.store(true, Ordering::Relaxed);
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream, line: &Line) {
    let mut buffer = [0; 16 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(_) if line.silent.load(Ordering::Relaxed) => {}
            Ok(n) if to.write_all(&buffer[..n]).is_ok() => {}
            Ok(_) => break,
        }
    }
    if !line.silent.load(Ordering::Relaxed) {
        let _ = to.shutdown(Shutdown::Both);
    }
}

/// Asserts that the report counts exactly the requests in its rows, and all outcomes.
fn assert_counts(report: &Value) {
    let rows = report["operations"].as_array().unwrap();
    let outcomes = rows.iter().filter(|row| row["kind"] != "preparation");
    let outcomes = outcomes.flat_map(|row| row["outcomes"].as_array().unwrap());
    let (mut all, mut times) = (0, 0);
    for outcome in outcomes.filter(|o| o["outcome"] != "generator") {
        all += outcome["count"].as_u64().unwrap();
        if outcome["outcome"] == "ok" {
            times += outcome["response"]["count"].as_u64().unwrap();
        }
    }
    assert_eq!(report["totals"]["requests"], all);
    assert_eq!(report["all"]["count"], times);
}

#[test]
fn server_restarts_are_counted_as_errors_and_survived() {
    let (server, folder) = (delayed(), folder_with(MIXED));
    let gate = Gate::new(&server);
    let line = format!(
        "run w.toml --url {} --concurrency 4 --duration 10m --max-error-share 1 --tag-requests --ledger l --json r.json",
        gate.url()
    );
    let child = start(&mut bench(folder.path(), &line));
    for _ in 0..2 {
        let before = server.seen().len();
        wait_for("nothing was sent", || server.seen().len() > before + 100);
        gate.stop();
        gate.start_again();
    }
    let before = server.seen().len();
    wait_for("nothing was sent", || server.seen().len() > before + 100);
    interrupt(&child);
    let (code, said) = end(child);
    let report = report(folder.path());
    assert_counts(&report);
    assert_eq!(report["totals"]["generator_errors"], 0, "{said}");
    assert!(report["totals"]["failed"].as_u64() > Some(0), "{said}");
    let kinds = report["errors"].as_array().unwrap();
    assert!(
        kinds.iter().all(|e| e["outcome"] == "transport"),
        "{kinds:?}"
    );
    assert_adds_up(&report["writes"]);
    assert_eq!(report["writes"]["left"], 0, "{said}");
    assert_eq!(code, 0, "{said}");
    assert_eq!(server.ids("Account").len(), 20, "{said}");
}

#[test]
fn half_open_connections_end_in_timeouts_and_a_bounded_cleanup() {
    let (server, folder) = (delayed(), folder_with(MIXED));
    let gate = Gate::new(&server);
    let line = format!(
        "run w.toml --url {} --concurrency 4 --duration 10m --timeout 2s --drain 200ms --cleanup-timeout 200ms \
         --max-error-share 0.02 --tag-requests --ledger l --json r.json",
        gate.url()
    );
    let child = start(&mut bench(folder.path(), &line));
    wait_for("nothing was sent", || server.seen().len() > 60);
    gate.fall_silent();
    let (code, said) = end(child);
    assert_eq!(code, 1, "{said}");
    let report = report(folder.path());
    assert_counts(&report);
    assert_eq!(report["run"]["stopped_by"], "errors", "{said}");
    let kinds = report["errors"].as_array().unwrap();
    assert!(kinds.iter().any(|e| e["outcome"] == "timeout"), "{kinds:?}");
    let writes = &report["writes"];
    assert_adds_up(writes);
    assert!(said.contains("espo-bench clean l"), "{said}");
    // The records are found when the server is reachable again.
    let line = format!("clean l --url {}", server.url);
    let (code, said) = end(start(&mut bench(folder.path(), &line)));
    assert_eq!(code, 0, "{said}");
    assert_eq!(server.ids("Account").len(), 20, "{said}");
}

/// A terminal that is closed sends SIGHUP, and everything that is written to it fails.
#[cfg(unix)]
#[test]
fn closed_terminals_end_the_run_with_a_report_and_a_cleanup() {
    if crate::recovery::ignores_hang_up() {
        return;
    }
    let (server, folder) = (delayed(), folder_with(MIXED));
    let line = format!(
        "run w.toml --url {} --concurrency 4 --duration 10m --tag-requests --ledger l --json r.json",
        server.url
    );
    let mut child = start(&mut bench(folder.path(), &line));
    wait_for("nothing was sent", || server.seen().len() > 60);
    drop((child.stdout.take(), child.stderr.take()));
    signal(&child, "HUP");
    let status = child.wait().unwrap();
    assert_eq!(
        status.code(),
        Some(0),
        "an interrupted run is not a failure"
    );
    let report = report(folder.path());
    assert_counts(&report);
    assert_eq!(report["run"]["stopped_by"], "interrupted");
    assert_eq!(server.ids("Account").len(), 20);
}

/// Kills runs at random moments, as often as the variable ESPO_BENCH_KILLS says, and deletes their records. The records
/// of others stay, and each run's clean leaves those of the other runs.
#[cfg(unix)]
#[test]
fn killed_runs_leave_no_records_after_clean() {
    let kills = std::env::var("ESPO_BENCH_KILLS").ok();
    let kills: u64 = kills.map_or(4, |n| n.parse().unwrap());
    let (server, folder) = (delayed(), folder_with(MIXED));
    let mut found = 0;
    for kill in 0..kills {
        let ledger = format!("l{kill}");
        let before = server.seen().len();
        let line = format!(
            "run w.toml --url {} --concurrency 8 --duration 10m --tag-requests --ledger {ledger}",
            server.url
        );
        let mut child = bench(folder.path(), &line)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // A moment from before the first request to some hundred requests later.
        let requests = (kill * 7919 % 397) as usize;
        let path = folder.path().join(&ledger);
        wait_for("no ledger", || path.exists());
        wait_for("nothing was sent", || {
            server.seen().len() - before >= requests
        });
        child.kill().unwrap();
        child.wait().unwrap();
        // Creates that the server received before the kill may still be carried out.
        server.settle();
        found += server.ids("Account").len() - 20;
        let (code, said) = end(start(&mut bench(folder.path(), &format!("clean {ledger}"))));
        assert_eq!(code, 0, "kill {kill} after {requests} requests: {said}");
        let left = server.ids("Account").len();
        assert_eq!(left, 20, "kill {kill} after {requests} requests: {said}");
        let (_, left) = espo_bench::read_ledger(&path).unwrap();
        assert!(left.iter().all(|l| l.id.is_none()), "kill {kill}: {left:?}");
    }
    assert!(found > 0, "no kill left a record");
    println!("{kills} kills left {found} records, all deleted");
}

/// A run that is killed before the first line of its ledger is complete has created nothing.
#[test]
fn ledgers_cut_in_their_first_line_have_nothing_to_delete() {
    let folder = folder_with(MIXED);
    let path = folder.path().join("l");
    let head =
        r#"{"ledger":1,"run":"r","url":"http://127.0.0.1:1","started":"2026-01-02T03:04:05Z"}"#;
    for length in (0..head.len()).step_by(9).chain([head.len() - 1]) {
        std::fs::write(&path, &head[..length]).unwrap();
        let (code, said) = end(start(&mut bench(folder.path(), "clean l")));
        assert_eq!(code, 0, "{length}: {said}");
        assert!(said.contains("nothing to delete"), "{length}: {said}");
    }
    for other in ["a letter", "{}", "{\"ledgers", "\n"] {
        std::fs::write(&path, other).unwrap();
        let (code, said) = end(start(&mut bench(folder.path(), "clean l")));
        assert_eq!(code, 2, "{other}: {said}");
    }
}

/// Only the start and the timestamps use the wall clock, so that its changes do not affect a measurement.
#[test]
fn durations_are_not_measured_with_the_wall_clock() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    crate::layers::files(&source, &mut files);
    let uses = files.iter().filter(|file| {
        let text = std::fs::read_to_string(file).unwrap();
        text.contains("SystemTime::now") || text.contains("Timestamp::now")
    });
    let mut uses: Vec<String> = uses
        .map(|file| file.strip_prefix(&source).unwrap().display().to_string())
        .collect();
    uses.sort();
    // The start of a run, the head of its ledger, and the check that a start time is in the future.
    assert_eq!(uses, ["drive/mod.rs", "drive/prepare.rs", "k8s.rs"]);
}

/// Changes the wall clock of a run by an hour in both directions with libfaketime, which must be installed if `CI` is
/// set.
#[cfg(target_os = "linux")]
#[test]
fn changes_of_the_wall_clock_do_not_affect_the_times() {
    let library = format!(
        "/usr/lib/{}-linux-gnu/faketime/libfaketime.so.1",
        std::env::consts::ARCH
    );
    if !Path::new(&library).exists() {
        assert!(std::env::var_os("CI").is_none(), "no {library}");
        eprintln!("skipped: no {library}; install the package libfaketime");
        return;
    }
    let (server, folder) = (delayed(), folder_with(MIXED));
    let offset = folder.path().join("offset");
    std::fs::write(&offset, "+0").unwrap();
    let line = format!(
        "run w.toml --url {} --rate 100 --duration 10m --tag-requests --ledger l --json r.json --hdr r.hlog",
        server.url
    );
    let child = start(
        bench(folder.path(), &line)
            .env("LD_PRELOAD", library)
            .env("FAKETIME_TIMESTAMP_FILE", &offset)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    );
    for (sent, change) in [(40, "+3600"), (80, "-3600"), (120, "+0")] {
        wait_for("nothing was sent", || server.seen().len() > sent);
        std::fs::write(&offset, change).unwrap();
    }
    wait_for("nothing was sent", || server.seen().len() > 160);
    interrupt(&child);
    let (code, said) = end(child);
    assert_eq!(code, 0, "{said}");
    let report = report(folder.path());
    assert_counts(&report);
    assert_eq!(report["totals"]["failed"], 0, "{said}");
    let hour = 3_600_000_000_u64;
    assert!(report["all"]["max"].as_u64() < Some(hour / 2), "{said}");
    assert!(report["run"]["seconds"].as_f64() < Some(1_000.0), "{said}");
    assert_eq!(server.ids("Account").len(), 20, "{said}");
}
