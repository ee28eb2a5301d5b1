use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use super::*;

fn exchange(url: &str, path: &str, host: &str) -> String {
    let addr = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(addr).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn free() -> DashboardAddr {
    "0".parse().unwrap()
}

fn step(at: f64) -> Step {
    Step {
        at,
        rate: 10.0,
        failed: 0.0,
        target: None,
        in_flight: 1,
        p50: Some(1_000),
        p95: Some(2_000),
        p99: None,
    }
}

#[test]
fn an_open_page_receives_the_report_and_does_not_delay_the_end() {
    let dashboard = Dashboard::start(free(), "sync").unwrap();
    let url = dashboard.url().to_owned();
    dashboard.hub().publish(vec![step(0.0), step(1.0)], None);
    let reader = std::thread::spawn(move || exchange(&url, "/events", "127.0.0.1"));
    while !dashboard.hub().is_watched() {
        std::thread::yield_now();
    }
    dashboard.hub().publish(vec![step(2.0)], None);
    let report = crate::output::tests::sample();
    dashboard.finish(&report);
    let events = reader.join().unwrap();
    let messages: Vec<serde_json::Value> = events
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    let steps: Vec<f64> = messages
        .iter()
        .flat_map(|m| m["steps"].as_array().unwrap())
        .map(|s| s["at"].as_f64().unwrap())
        .collect();
    assert_eq!(steps, [0.0, 1.0, 2.0], "each step exactly once");
    let last = messages.last().unwrap();
    assert_eq!(last["state"], "ended");
    let shown = last["report"].as_str().unwrap();
    assert_eq!(shown, crate::output::report_body(&report));
}

#[test]
fn a_run_that_fails_ends_the_stream() {
    let dashboard = Dashboard::start(free(), "sync").unwrap();
    let url = dashboard.url().to_owned();
    let reader = std::thread::spawn(move || exchange(&url, "/events", "localhost:1"));
    while !dashboard.hub().is_watched() {
        std::thread::yield_now();
    }
    drop(dashboard);
    assert!(reader.join().unwrap().contains("\"state\":\"failed\""));
}

#[test]
fn requests_for_another_host_are_rejected() {
    let dashboard = Dashboard::start(free(), "sync").unwrap();
    let url = dashboard.url();
    for host in [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:80",
        "",
    ] {
        let response = exchange(url, "/", host);
        assert!(response.starts_with("HTTP/1.1 403"), "{host}: {response}");
    }
    for host in ["127.0.0.1", "localhost:9", "[::1]:9", "127.0.0.1:5656"] {
        assert!(
            exchange(url, "/", host).starts_with("HTTP/1.1 200"),
            "{host}"
        );
    }
}

#[test]
fn the_page_loads_nothing_from_elsewhere() {
    let dashboard = Dashboard::start(free(), "<b>sync</b>").unwrap();
    let page = exchange(dashboard.url(), "/", "127.0.0.1");
    assert!(page.contains("content-security-policy: default-src 'none'"));
    assert!(page.contains("&lt;b&gt;sync") && !page.contains("<b>sync"));
    assert!(!page.contains("src=") && !page.contains("href=") && !page.contains("@import"));
}

#[test]
fn addresses_are_ports_or_ip_addresses_with_a_port() {
    for (text, expected) in [
        ("8080", "127.0.0.1:8080"),
        (":8080", "127.0.0.1:8080"),
        ("localhost:80", "127.0.0.1:80"),
        ("0.0.0.0:9", "0.0.0.0:9"),
        ("[::1]:9", "[::1]:9"),
    ] {
        assert_eq!(
            text.parse(),
            Ok(DashboardAddr::At(expected.parse().unwrap()))
        );
    }
    assert_eq!("".parse(), Ok(DashboardAddr::Default));
    for text in ["mixed", "host:80", "127.0.0.1", "99999"] {
        let error = text.parse::<DashboardAddr>().unwrap_err();
        assert!(error.starts_with("invalid address"), "{error}");
    }
}

#[test]
fn ports_in_use_are_errors_only_if_requested() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = DashboardAddr::At(taken.local_addr().unwrap());
    let error = Dashboard::start(addr, "sync").unwrap_err().to_string();
    assert!(
        error.contains("pass --dashboard another address"),
        "{error}"
    );
    let one = Dashboard::start(DashboardAddr::Default, "sync").unwrap();
    let two = Dashboard::start(DashboardAddr::Default, "sync").unwrap();
    assert_ne!(one.url(), two.url());
}
