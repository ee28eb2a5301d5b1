//! What a run does: errors before any load, counting, limits, stopping, safety.

use std::time::Duration;

use crate::support::{Behaviour, Server, options};
use espo_bench::report::Outcome;
use espo_bench::{Arrivals, Credentials, Error, Limit, Load, Target, run};

const READS: &str = "[[operation]]\nkind = \"list\"\nentity = \"Account\"\n[[operation]]\nkind = \"read\"\nentity = \"Account\"\n";

fn server(accounts: usize) -> Server {
    Server::start(Behaviour {
        records: [("Account".to_owned(), accounts)].into(),
        ..Behaviour::default()
    })
}

#[test]
fn a_target_that_is_not_there_or_refuses_is_said_before_any_load() {
    let server = server(3);
    let mut refused = options(&server, READS);
    refused.target = Target::Url {
        url: server.url.clone(),
        credentials: vec![Credentials::new(espo_core::Auth::api_key("wrong"))],
    };
    let error = run(refused).unwrap_err();
    assert!(
        matches!(&error, Error::Target(m) if m.contains("rejects the credentials")),
        "{error}"
    );
    assert_eq!((error.exit_code(), server.seen().len()), (3, 0));

    let mut gone = options(&server, READS);
    gone.target = Target::Url {
        url: "http://127.0.0.1:9".into(),
        credentials: vec![Credentials::new(espo_core::Auth::api_key("key"))],
    };
    let error = run(gone).unwrap_err();
    assert!(
        matches!(&error, Error::Target(m) if m.contains("cannot be reached")),
        "{error}"
    );
}

#[test]
fn a_name_that_the_target_does_not_know_is_said_before_any_load() {
    let server = server(3);
    let error = run(options(
        &server,
        "[[operation]]\nkind = \"read\"\nentity = \"Acount\"\n",
    ))
    .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("test.toml:3:10: the target has no entity type 'Acount'"),
        "{error}"
    );
    assert_eq!((error.exit_code(), server.seen().len()), (2, 0));
}

#[test]
fn every_request_is_counted_once() {
    let server = server(3);
    let mut o = options(&server, READS);
    o.load = Some(Load::Closed { concurrency: 3 });
    o.limit = Some(Limit::Requests(100));
    let report = run(o).unwrap();
    assert_eq!(
        (
            report.totals.requests,
            report.totals.failed,
            server.seen().len()
        ),
        (100, 0, 100)
    );
    assert!(report.operations.iter().all(|o| o.count() > 20));
    assert!(report.all.p50 > 0 && report.totals.bytes_in > 0);
    assert_eq!(report.target.records["Account"], 3);
    assert_eq!(report.target.version.as_deref(), Some("9.3.0"));
}

#[test]
fn failures_are_kept_apart_with_their_status_and_fail_the_limit() {
    let server = Server::start(Behaviour {
        status: Some(503),
        records: [("Account".to_owned(), 1)].into(),
        ..Behaviour::default()
    });
    let mut o = options(&server, READS);
    o.limit = Some(Limit::Requests(40));
    o.max_error_share = 1.0;
    o.slos = vec![
        "errors < 1%".parse().unwrap(),
        "list.p99 < 1h".parse().unwrap(),
    ];
    let report = run(o).unwrap();
    assert_eq!((report.totals.requests, report.totals.failed), (40, 40));
    assert_eq!(
        (report.errors[0].outcome, report.errors[0].status),
        (Outcome::Server, Some(503))
    );
    assert_eq!(
        report.slos.iter().map(|s| s.held).collect::<Vec<_>>(),
        [false, false],
        "no success, so no percentile to hold"
    );
    assert_eq!(report.exit_code(), 1);
}

#[test]
fn a_share_of_errors_above_the_limit_stops_the_run() {
    let server = Server::start(Behaviour {
        status: Some(500),
        records: [("Account".to_owned(), 1)].into(),
        ..Behaviour::default()
    });
    let mut o = options(&server, READS);
    o.limit = Some(Limit::Duration(Duration::from_secs(60)));
    let report = run(o).unwrap();
    assert!(
        report
            .run
            .stopped
            .as_deref()
            .is_some_and(|s| s.contains("requests failed")),
        "{:?}",
        report.run.stopped
    );
    assert!(report.run.seconds < 30.0);
    assert_eq!(report.exit_code(), 1);
}

#[test]
fn refused_credentials_during_the_load_stop_it_at_once() {
    let server = Server::start(Behaviour {
        status: Some(401),
        records: [("Account".to_owned(), 1)].into(),
        ..Behaviour::default()
    });
    let mut o = options(&server, READS);
    o.load = Some(Load::Closed { concurrency: 2 });
    o.limit = Some(Limit::Duration(Duration::from_secs(60)));
    let report = run(o).unwrap();
    assert_eq!(report.exit_code(), 3);
    // Ten refusals lock an address out of a real instance.
    assert!(server.seen().len() <= 4, "{}", server.seen().len());
}

#[test]
fn a_rate_that_cannot_be_held_is_said_and_counted() {
    let delay = std::sync::Arc::new(|_: &str, _| Duration::from_millis(100));
    let server = Server::start(Behaviour {
        delay: Some(delay),
        ..Behaviour::default()
    });
    let mut o = options(
        &server,
        "[[operation]]\nkind = \"list\"\nentity = \"Account\"\n",
    );
    o.load = Some(Load::Open {
        rate: 200.0,
        arrivals: Arrivals::Constant,
    });
    o.limit = Some(Limit::Duration(Duration::from_secs(1)));
    o.max_in_flight = Some(2);
    o.drain = Duration::from_millis(500);
    let report = run(o).unwrap();
    // Two at a time, a tenth of a second each: some 20 of 200 in time.
    assert_eq!(report.totals.offered_rate, Some(200.0));
    assert!(
        report.totals.achieved_rate.unwrap() < 40.0,
        "{:?}",
        report.totals
    );
    assert!(report.totals.unsent > 100);
    assert_eq!(
        report.totals.requests + report.totals.unsent,
        200,
        "nothing is lost"
    );
    assert!(
        report.all.p50 > report.operations[0].outcomes[0].service.p50,
        "waiting counts in the response time"
    );
    assert_ne!(
        report.generator.verdict,
        espo_bench::report::Verdict::Trustworthy
    );
}

#[test]
fn what_is_still_in_flight_when_the_run_gives_up_is_counted_as_unfinished() {
    let delay = std::sync::Arc::new(|_: &str, _| Duration::from_secs(4));
    let server = Server::start(Behaviour {
        delay: Some(delay),
        ..Behaviour::default()
    });
    let mut o = options(
        &server,
        "[[operation]]\nkind = \"list\"\nentity = \"Account\"\n",
    );
    o.load = Some(Load::Closed { concurrency: 3 });
    o.limit = Some(Limit::Duration(Duration::from_millis(300)));
    o.drain = Duration::from_millis(200);
    let report = run(o).unwrap();
    let unfinished = report.operations[0].outcome(Outcome::Unfinished).unwrap();
    assert_eq!((unfinished.count, report.totals.in_flight_at_end), (3, 3));
    assert!(unfinished.response.p50 >= 300_000);
}

#[test]
fn writes_go_to_loopback_only_unless_the_host_is_named() {
    let server = server(3);
    let mut o = options(
        &server,
        "[[operation]]\nkind = \"create\"\nentity = \"Account\"\n",
    );
    o.target = Target::Url {
        url: "http://192.0.2.1".into(),
        credentials: vec![Credentials::new(espo_core::Auth::api_key("key"))],
    };
    let error = run(o).unwrap_err();
    assert!(
        matches!(&error, Error::Usage(m) if m.contains("--allow-writes 192.0.2.1")),
        "{error}"
    );
}

#[test]
fn a_dry_run_shows_the_requests_and_sends_none() {
    let server = server(3);
    let workload = "[[chain]]\nname = \"deal\"\n[[chain.step]]\nkind = \"create\"\nentity = \"Contact\"\n[[chain.step]]\nkind = \"delete\"\nentity = \"Contact\"\n";
    let lines = espo_bench::dry_run(options(&server, workload), 3).unwrap();
    assert_eq!(lines.len(), 6);
    assert!(
        lines[0].contains("POST Contact {") && lines[0].contains("\"lastName\":\"espo-bench "),
        "{}",
        lines[0]
    );
    assert!(lines[1].contains("DELETE Contact/id0"), "{}", lines[1]);
    assert_eq!(server.seen().len(), 0);
}

#[test]
fn a_limit_on_an_operation_that_the_workload_lacks_is_wrong_usage() {
    let server = server(1);
    let mut o = options(&server, READS);
    o.slos = vec!["create.p99 < 1s".parse().unwrap()];
    assert_eq!(run(o).unwrap_err().exit_code(), 2);
}
