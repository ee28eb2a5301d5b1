//! The effect of a stalled server on the figures. A busy machine only increases the times, so these tests check lower
//! bounds. `cargo run --release --example truth` shows how accurate the figures are.

use std::time::Duration;

use crate::support::{Behaviour, Server};
use espo_bench::{Arrivals, Decode, Limit, Load, Report};

const LIST: &str = "[[operation]]\nkind = \"list\"\nentity = \"Account\"\n";

fn open(server: &Server, rate: f64, seconds: u64, in_flight: u32) -> Report {
    let mut options = crate::support::options(server, LIST);
    options.load = Some(Load::Open {
        rate,
        arrivals: Arrivals::Constant,
    });
    options.limit = Some(Limit::Duration(Duration::from_secs(seconds)));
    options.max_in_flight = Some(in_flight);
    options.decode = Decode::Skip;
    options.run().unwrap()
}

/// The server stalls for 400 ms of every 2 s and requests are evenly spaced, so 20 % of them wait, from 400 ms down to
/// 0. The 90th percentile is therefore 200 ms and the 99th 380 ms.
#[test]
fn response_times_include_the_wait_during_stalls() {
    let freeze = Some((Duration::from_millis(400), Duration::from_secs(2)));
    for in_flight in [4, 200] {
        let server = Server::start(Behaviour {
            freeze,
            ..Behaviour::default()
        });
        let report = open(&server, 200.0, 4, in_flight);
        let list = &report.operation("list:Account").unwrap().outcomes[0];
        assert_eq!(
            list.count, 800,
            "every scheduled request is sent and counted"
        );
        assert!(
            list.response.p90 >= 190_000,
            "{in_flight} in flight: p90 {}",
            list.response.p90
        );
        assert!(
            list.response.p99 >= 370_000,
            "{in_flight} in flight: p99 {}",
            list.response.p99
        );
        if in_flight == 4 {
            assert!(
                list.service.p90 < list.response.p90,
                "service time alone would hide the stall"
            );
            assert!(report.totals.held_back > 0);
        }
    }
}

#[test]
fn reported_times_are_never_shorter_than_real_ones() {
    let delay = std::sync::Arc::new(|_: &str, n: u64| Duration::from_micros(2_000 + n % 100 * 100));
    let server = Server::start(Behaviour {
        delay: Some(delay),
        ..Behaviour::default()
    });
    let mut options = crate::support::options(&server, LIST);
    options.load = Some(Load::Closed { concurrency: 4 });
    options.limit = Some(Limit::Requests(400));
    let report = options.run().unwrap();
    let shown = &report.operation("list:Account").unwrap().outcomes[0].service;
    let mut took: Vec<u64> = server.took().into_iter().map(|(_, t)| t).collect();
    took.sort_unstable();
    assert_eq!((shown.count, took.len()), (400, 400));
    for (figure, rank) in [
        (shown.p50, 199),
        (shown.p90, 359),
        (shown.p99, 395),
        (shown.max, 399),
    ] {
        // Three significant digits: the histogram's value is at most 0.1 % off.
        assert!(
            figure as f64 >= took[rank] as f64 * 0.999,
            "{figure} reported, {} in the server",
            took[rank]
        );
    }
}
