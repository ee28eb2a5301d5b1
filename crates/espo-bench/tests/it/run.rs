//! Runs: errors before any load, counting, SLOs, stopping and safety.

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
fn unusable_targets_are_reported_before_the_load() {
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
        matches!(&error, Error::Target(m) if m.contains("cannot connect to")),
        "{error}"
    );
}

#[test]
fn unknown_names_are_reported_before_the_load() {
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

/// The server would reject every such write.
#[test]
fn unknown_options_are_reported_before_the_load() {
    let server = server(3);
    for (kind, value, is_option) in [
        ("create", "\"Customer\"", true),
        ("create", "\"Custommer\"", false),
        ("update", "\"Custommer\"", false),
    ] {
        let workload = format!(
            "[[operation]]\nkind = \"{kind}\"\nentity = \"Account\"\nset = {{ type = {value} }}\n"
        );
        let mut o = options(&server, &workload);
        o.limit = Some(Limit::Requests(3));
        match espo_bench::dry_run(o, 3) {
            Ok(_) => assert!(is_option, "{kind} {value}"),
            Err(error) => {
                assert!(!is_option, "{error}");
                let text = error.to_string();
                assert!(text.contains("is not an option of"), "{text}");
                assert!(text.contains("'Customer'"), "{text}");
            }
        }
    }
    assert!(server.seen().is_empty());
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
fn failures_are_grouped_by_status_and_miss_the_slo() {
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
        "no request succeeded, so there is no percentile"
    );
    assert_eq!(report.exit_code(), 1);
}

/// Failures in the first moments of the measurement do not belong to the warm-up.
#[test]
fn errors_by_kind_add_up_to_the_failed_requests() {
    let server = Server::start(Behaviour {
        status: Some(503),
        records: [("Account".to_owned(), 1)].into(),
        ..Behaviour::default()
    });
    let mut o = options(&server, READS);
    o.load = Some(Load::Closed { concurrency: 2 });
    o.warmup = Some(Duration::from_millis(50));
    o.limit = Some(Limit::Requests(60));
    o.max_error_share = 1.0;
    let report = run(o).unwrap();
    let by_kind: u64 = report.errors.iter().map(|e| e.count).sum();
    assert_eq!((report.totals.failed, by_kind), (60, 60));
}

#[test]
fn too_many_errors_stop_the_run() {
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
    assert_eq!(report.exit_code(), 1);
}

#[test]
fn rejected_credentials_stop_the_load_immediately() {
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
    // A real instance locks out an address after more than ten failed logins.
    assert!(server.seen().len() <= 4, "{}", server.seen().len());
}

#[test]
fn unsustained_rates_are_reported() {
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
    // Two requests at a time, 100 ms each: about 20 of 200 are sent on time.
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
        "no iteration is lost"
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
fn requests_in_flight_at_the_end_are_unfinished() {
    let delay = std::sync::Arc::new(|_: &str, _| Duration::from_secs(60));
    let server = Server::start(Behaviour {
        delay: Some(delay),
        ..Behaviour::default()
    });
    let mut o = options(
        &server,
        "[[operation]]\nkind = \"list\"\nentity = \"Account\"\n",
    );
    o.load = Some(Load::Closed { concurrency: 3 });
    // Long enough for a busy machine to send the requests.
    o.limit = Some(Limit::Duration(Duration::from_secs(2)));
    o.drain = Duration::from_millis(200);
    let report = run(o).unwrap();
    let unfinished = report.operations[0].outcome(Outcome::Unfinished).unwrap();
    assert_eq!((unfinished.count, report.totals.in_flight_at_end), (3, 3));
    // At least as long as the run drains.
    assert!(unfinished.response.min >= 200_000);
}

#[test]
fn writes_require_loopback_or_an_allowed_host() {
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
fn dry_runs_show_requests_without_sending_them() {
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
fn slos_on_unknown_operations_are_usage_errors() {
    let server = server(1);
    let mut o = options(&server, READS);
    o.slos = vec!["create.p99 < 1s".parse().unwrap()];
    assert_eq!(run(o).unwrap_err().exit_code(), 2);
}
