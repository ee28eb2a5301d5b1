//! A run deletes the records that it created and no others, regardless of how it ends.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::recovery::wait_for;
use crate::support::{Behaviour, Server, options};
use espo_bench::{CleanOptions, Credentials, Limit, Load, run};

const WRITES: &str = "[[operation]]\nkind = \"create\"\nentity = \"Account\"\nweight = 5\n[[operation]]\nkind = \"update\"\nentity = \"Account\"\n\
                      [[operation]]\nkind = \"delete\"\nentity = \"Account\"\n[[chain]]\nname = \"pair\"\n[[chain.step]]\nkind = \"create\"\nentity = \"Contact\"\n\
                      [[chain.step]]\nkind = \"link\"\nentity = \"Account\"\nlink = \"contacts\"\n";

fn server(behaviour: Behaviour) -> (Server, Vec<String>) {
    let server = Server::start(Behaviour {
        records: [("Account".to_owned(), 20), ("Contact".to_owned(), 5)].into(),
        ..behaviour
    });
    let before = server.ids("Account");
    (server, before)
}

#[test]
fn runs_leave_the_target_unchanged() {
    let (server, before) = server(Behaviour::default());
    let folder = tempfile::tempdir().unwrap();
    let mut o = options(&server, WRITES);
    o.load = Some(Load::Closed { concurrency: 4 });
    o.limit = Some(Limit::Requests(200));
    o.ledger = Some(folder.path().join("a.ledger"));
    let report = run(o).unwrap();
    let writes = report.writes.unwrap();
    assert!(writes.created > 100, "{writes:?}");
    assert_eq!((writes.removed, writes.left), (writes.created, 0));
    assert_eq!(
        (server.ids("Account"), server.ids("Contact").len()),
        (before.clone(), 5)
    );
    let touched = server
        .seen()
        .into_iter()
        .filter(|s| s.method == "DELETE" || s.method == "PUT")
        .any(|s| before.iter().any(|id| s.target.contains(id.as_str())));
    assert!(!touched, "existing records are neither changed nor deleted");
}

#[test]
fn unconfirmed_records_are_found_by_their_marker() {
    let (server, before) = server(Behaviour {
        mute_creates: true,
        ..Behaviour::default()
    });
    let folder = tempfile::tempdir().unwrap();
    let mut o = options(
        &server,
        "[[operation]]\nkind = \"create\"\nentity = \"Account\"\n",
    );
    o.limit = Some(Limit::Requests(40));
    o.max_error_share = 1.0;
    o.ledger = Some(folder.path().join("a.ledger"));
    let report = run(o).unwrap();
    assert_eq!(report.totals.failed, 40);
    let writes = report.writes.unwrap();
    assert_eq!(
        (writes.created, writes.removed, writes.left),
        (40, 40, 0),
        "{:?}",
        server.ids("Account").len()
    );
    assert_eq!(server.ids("Account"), before);
}

#[test]
fn clean_deletes_only_the_records_of_a_killed_run() {
    let delay = std::sync::Arc::new(|_: &str, _| Duration::from_millis(2));
    let (server, before) = server(Behaviour {
        delay: Some(delay),
        ..Behaviour::default()
    });
    let folder = tempfile::tempdir().unwrap();
    let (workload, ledger) = (
        folder.path().join("w.toml"),
        folder.path().join("run.ledger"),
    );
    std::fs::write(&workload, WRITES).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_espo-bench"))
        .arg("run")
        .arg(&workload)
        .args([
            "--url",
            &server.url,
            "--concurrency",
            "8",
            "--duration",
            "10m",
            "--tag-requests",
            "--ledger",
        ])
        .arg(&ledger)
        .env("ESPO_API_KEY", "key")
        .env_remove("ESPO_SECRET_KEY")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for("no load arrived", || {
        if let Some(status) = child.try_wait().unwrap() {
            let mut said = String::new();
            let mut stderr = child.stderr.take().unwrap();
            stderr.read_to_string(&mut said).unwrap();
            panic!("the run ended: {status} {said}");
        }
        server.seen().len() >= 300
    });
    // `kill` on Unix is SIGKILL, so the process cannot clean up.
    child.kill().unwrap();
    child.wait().unwrap();
    // Creates that the server received before the kill may still be carried out.
    server.settle();
    assert!(
        server.ids("Account").len() > before.len(),
        "the killed run left records"
    );
    let cleaned = espo_bench::clean(
        &ledger,
        None,
        Credentials::new(espo_core::Auth::api_key("key")),
        CleanOptions::default(),
    )
    .unwrap();
    assert!(cleaned.removed > 0 && cleaned.left == 0, "{cleaned:?}");
    assert_eq!(
        (server.ids("Account"), server.ids("Contact").len()),
        (before, 5)
    );
    let again = espo_bench::clean(
        &ledger,
        None,
        Credentials::new(espo_core::Auth::api_key("key")),
        CleanOptions::default(),
    )
    .unwrap();
    assert_eq!(
        (again.removed, again.left),
        (0, 0),
        "a second cleanup finds nothing"
    );
}

#[test]
fn kept_records_are_reported() {
    let (server, before) = server(Behaviour::default());
    let folder = tempfile::tempdir().unwrap();
    let mut o = options(
        &server,
        "[[operation]]\nkind = \"create\"\nentity = \"Account\"\n",
    );
    o.limit = Some(Limit::Requests(10));
    o.keep = true;
    o.ledger = Some(folder.path().join("a.ledger"));
    let report = run(o).unwrap();
    assert_eq!(report.writes.unwrap().left, 10);
    assert_eq!(server.ids("Account").len(), before.len() + 10);
}
