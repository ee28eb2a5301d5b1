//! `espo conformance` and `espo differential`: exit codes, and failures before a run.

use std::path::Path;

use espo_sim::Sim;

use crate::support::{admin, api_user, run_in, text};

#[tokio::test(flavor = "multi_thread")]
async fn runs_in_which_few_checks_ran_exit_with_1() {
    let sim = Sim::start().await.expect("a server");
    let folder = tempfile::tempdir().expect("a directory");
    let only = "deletion.restored-by-an-administrator";
    let line = format!("conformance --url {} --only {only}", sim.url());
    let ran = run_in(folder.path(), &line, &api_user(&sim)).await;
    assert_eq!(ran.status.code(), Some(1), "{}", text(&ran));
    assert!(
        text(&ran).contains("none of 1 checks ran (most frequent reason for skipping: no credentials given for an administrator)"),
        "{}",
        text(&ran)
    );
    let ran = run_in(folder.path(), &line, &admin(&sim)).await;
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran));
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_that_cannot_be_written_fail_before_the_run() {
    let sim = Sim::start().await.expect("a server");
    let folder = tempfile::tempdir().expect("a directory");
    for command in [
        "conformance --json no/r.json",
        "differential --json no/r.json",
        "differential --record no/r.json",
    ] {
        let line = format!("{command} --url {}", sim.url());
        let ran = run_in(folder.path(), &line, &admin(&sim)).await;
        assert_eq!(ran.status.code(), Some(2), "{line}: {}", text(&ran));
        assert!(text(&ran).contains("no/r.json"), "{line}: {}", text(&ran));
    }
    assert!(sim.requests().is_empty());
    let is_empty = |folder: &Path| {
        std::fs::read_dir(folder)
            .expect("readable")
            .next()
            .is_none()
    };
    assert!(is_empty(folder.path()));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_unknown_checks_are_errors() {
    let folder = tempfile::tempdir().expect("a directory");
    let ran = run_in(folder.path(), "conformance --list --only nope", &[]).await;
    assert_eq!(ran.status.code(), Some(2), "{}", text(&ran));
    assert!(text(&ran).contains("the topics are"), "{}", text(&ran));
}

/// Without an administrator the metadata lacks what the simulator needs.
#[tokio::test(flavor = "multi_thread")]
async fn differential_names_the_user_that_it_needs() {
    let sim = Sim::start().await.expect("a server");
    let folder = tempfile::tempdir().expect("a directory");
    // The earlier name of the option.
    let line = format!("differential --real {} --requests 5", sim.url());
    let ran = run_in(folder.path(), &line, &api_user(&sim)).await;
    assert_eq!(ran.status.code(), Some(2), "{}", text(&ran));
    assert!(text(&ran).contains("administrator"), "{}", text(&ran));
}
