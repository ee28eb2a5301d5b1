//! A run of many writes whose process is killed repeatedly and resumed by another one.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use espo_core::typed::{Journal, Write, Written};
use espo_core::{Auth, Client, JsonObject};
use espo_sim::{FaultKind, FaultRule, Operation, Sim};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;

use crate::{client, object};

const ROWS: usize = 300;
/// Set for the process that does the writes: URL, key and journal of the run.
const RUN: &str = "ESPO_CORE_TEST_RUN";

fn key(row: usize) -> String {
    format!("ряд {row:03}")
}

/// Cases have no duplicate check, so only the journal prevents duplicates.
fn writes(rows: usize) -> impl stream::Stream<Item = (String, Write<JsonObject>)> + Send {
    stream::iter(0..rows).map(|row| (key(row), Write::Create(object(json!({"name": key(row)})))))
}

/// The killed process; prints one line per outcome to standard output.
async fn work(run: &str) {
    let [url, api_key, journal] = run.split('\n').collect::<Vec<_>>()[..] else {
        panic!("three lines: {run}");
    };
    let auth = Auth::api_key(api_key);
    let crm = Client::builder(url).auth(auth).no_proxy().build().unwrap();
    let many = crm.untyped("Case").write_many().concurrency(8);
    let many = many.identified_by(["name"]);
    let journal = Journal::open(journal).unwrap();
    let mut outcomes = std::pin::pin!(many.journal(journal).run(writes(ROWS)));
    while let Some((key, outcome)) = outcomes.next().await {
        let what = match outcome.unwrap() {
            Written::Created(_) => "created",
            Written::Updated(_) => "updated",
            Written::DoneBefore(_) => "before",
            other => panic!("{key}: {other:?}"),
        };
        println!("outcome {what} {key}");
    }
}

fn spawn(sim: &Sim, journal: &Path) -> Child {
    let key = sim.users().api_key_user().unwrap().api_key.clone().unwrap();
    let run = [&sim.url(), &key, journal.to_str().unwrap()].map(str::to_owned);
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "resume::killed_runs_neither_duplicate_nor_lose_writes",
        ])
        .arg("--nocapture")
        .env(RUN, run.join("\n"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Counts how often each name exists on the server.
async fn names(crm: &Client) -> HashMap<String, usize> {
    let mut names = HashMap::new();
    let mut all = crm.untyped("Case").list().stream();
    while let Some(record) = all.try_next().await.unwrap() {
        *names
            .entry(record["name"].as_str().unwrap().to_owned())
            .or_default() += 1;
    }
    names
}

/// Waits until the server has executed the requests of the killed process.
async fn settle(sim: &Sim) {
    let mut before = usize::MAX;
    while before != sim.requests().len() {
        before = sim.requests().len();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Keys whose last entry in the journal is that they are done.
fn done(journal: &Path) -> Vec<String> {
    let bytes = std::fs::read(journal).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    let entries = text
        .lines()
        .filter_map(|line| serde_json::from_str::<JsonObject>(line).ok());
    let done = entries.filter(|entry| entry["state"] == "done");
    done.map(|entry| entry["key"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_runs_neither_duplicate_nor_lose_writes() {
    if let Ok(run) = std::env::var(RUN) {
        return work(&run).await;
    }
    let sim = Sim::start().await.unwrap();
    let crm = client(&sim).build().unwrap();
    let folder = std::env::temp_dir().join(format!("espo-core-resume-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let journal = folder.join("journal");
    // A record is stored well before its response ends, so some kills leave writes that are done but not recorded.
    let slow = FaultKind::SlowBody(400, Duration::from_millis(30));
    sim.set_faults(vec![FaultRule::always(Operation::Create, slow)]);

    let mut unsettled = 0;
    for (round, reached) in [40, 80, 120, 160].into_iter().enumerate() {
        let mut child = spawn(&sim, &journal);
        while sim.count("Case") < reached {
            assert!(
                child.try_wait().unwrap().is_none(),
                "the child ended before the kill"
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        settle(&sim).await;
        let known = done(&journal);
        let there = names(&crm).await;
        unsettled += there.keys().filter(|name| !known.contains(name)).count();
        // The kill may also have truncated a line: in the middle of a character, of the line, or just before its end.
        let line = format!("{{\"key\":\"{}\",\"state\":\"intended\"}}", key(299));
        let cut = [13, 30, line.len(), 0][round];
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .open(&journal)
            .unwrap();
        file.write_all(&line.as_bytes()[..cut]).unwrap();
    }
    assert!(
        unsettled > 0,
        "no kill hit a write: the test could not fail"
    );

    let output = spawn(&sim, &journal).wait_with_output().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let outcomes: Vec<(&str, &str)> = output
        .lines()
        .filter_map(|line| line[line.find("outcome ")? + 8..].split_once(' '))
        .collect();
    let in_order: Vec<String> = outcomes.iter().map(|(_, key)| (*key).to_owned()).collect();
    assert_eq!(in_order, (0..ROWS).map(key).collect::<Vec<_>>());
    assert!(outcomes.iter().any(|(what, _)| *what == "before"));
    let there = names(&crm).await;
    assert_eq!(there.len(), ROWS);
    assert!(there.values().all(|times| *times == 1), "{there:?}");
    std::fs::remove_dir_all(&folder).unwrap();
}

fn temporary(name: &str) -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("espo-core-{name}-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

#[tokio::test]
async fn writes_that_may_have_been_sent_are_not_repeated() {
    let (sim, crm) = crate::start().await;
    let path = temporary("intended");
    let line = format!("{{\"key\":\"{}\",\"state\":\"intended\"}}\n", key(1));
    std::fs::write(&path, line).unwrap();
    let run = |journal: std::sync::Arc<Journal>| {
        let many = crm.untyped("Case").write_many().journal(journal);
        many.run(writes(3)).collect::<Vec<_>>()
    };
    let journal = std::sync::Arc::new(Journal::open(&path).unwrap());
    let outcomes = run(journal.clone()).await;
    let error = outcomes[1].1.as_ref().unwrap_err();
    assert!(error.to_string().contains("identified_by"), "{error}");
    assert!(outcomes[0].1.is_ok() && outcomes[2].1.is_ok());
    assert_eq!(sim.count("Case"), 2);
    // The open journal also contains its new entries.
    let again = run(journal).await;
    assert!(matches!(again[0].1, Ok(Written::DoneBefore(Some(_)))));
    assert_eq!(sim.count("Case"), 2);
    std::fs::remove_file(&path).unwrap();
}

/// Keys often contain names and addresses.
#[cfg(unix)]
#[test]
fn journals_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let path = temporary("private");
    drop(Journal::open(&path).unwrap());
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn journals_belong_to_one_run_at_a_time() {
    let (_sim, crm) = crate::start().await;
    let path = temporary("locked");
    let journal = Journal::open(&path).unwrap();
    let error = Journal::open(&path).unwrap_err();
    assert!(error.to_string().contains("another run"), "{error}");

    let same = stream::iter(["a", "a"]).map(|name| {
        (
            "key".to_owned(),
            Write::Create(object(json!({"name": name}))),
        )
    });
    let many = crm.untyped("Case").write_many().journal(journal);
    let outcomes: Vec<_> = many.run(same).collect().await;
    let error = outcomes[1].1.as_ref().unwrap_err();
    assert!(
        error.to_string().contains("needs a different key"),
        "{error}"
    );

    std::fs::write(&path, "no journal\nat all\n").unwrap();
    let error = Journal::open(&path).unwrap_err();
    assert!(error.to_string().contains("line 1"), "{error}");
    std::fs::remove_file(&path).unwrap();
}
