//! Shown against true: what `espo-bench` says where the truth is known. Give it a release build and a quiet
//! machine: `cargo run --release -p espo-bench --example truth`. `injected` does the like with the embedded server.

#[path = "../tests/it/support/mod.rs"]
mod support;

use std::sync::Arc;
use std::time::Duration;

use espo_bench::report::Distribution;
use espo_bench::{Arrivals, Decode, Limit, Load, Report};
use support::{Behaviour, Server};

const LIST: &str = "[[operation]]\nkind = \"list\"\nentity = \"Account\"\n";

fn run(server: &Server, load: Load, seconds: u64, in_flight: u32) -> Report {
    let mut options = support::options(server, LIST);
    options.load = Some(load);
    options.limit = Some(Limit::Duration(Duration::from_secs(seconds)));
    options.max_in_flight = Some(in_flight);
    options.decode = Decode::Skip;
    options.run().expect("the run")
}

fn open(rate: f64) -> Load {
    Load::Open {
        rate,
        arrivals: Arrivals::Constant,
    }
}

fn list(report: &Report) -> (&Distribution, &Distribution) {
    let list = &report
        .operation("list:Account")
        .expect("the operation")
        .outcomes[0];
    (&list.service, &list.response)
}

fn line(what: &str, d: &Distribution) {
    let ms = |v: u64| v as f64 / 1e3;
    println!(
        "  {what:36} n {:6}  p50 {:8.3}  p90 {:8.3}  p99 {:8.3}  p99.9 {:8.3}  max {:8.3} ms",
        d.count,
        ms(d.p50),
        ms(d.p90),
        ms(d.p99),
        ms(d.p999),
        ms(d.max)
    );
}

fn main() {
    let body = Some(r#"{"total":0,"list":[]}"#.to_owned());
    println!(
        "frozen 400 ms of every 2 s, 1,000/s for 10 s: p90 200, p99 380, p99.9 398 ms are true"
    );
    for in_flight in [16, 600] {
        let freeze = Some((Duration::from_millis(400), Duration::from_secs(2)));
        let server = Server::start(Behaviour {
            freeze,
            list_body: body.clone(),
            ..Behaviour::default()
        });
        let report = run(&server, open(1_000.0), 10, in_flight);
        let (service, response) = list(&report);
        line(&format!("{in_flight} in flight, response"), response);
        line(&format!("{in_flight} in flight, service"), service);
    }

    println!("injected 2 to 52 ms, one in 500 of 150 ms: what the server measured is true");
    let delay = Arc::new(|_: &str, n: u64| match n % 500 {
        499 => Duration::from_millis(150),
        n => Duration::from_micros(2_000 + n * 100),
    });
    for (name, load) in [
        ("closed, 16 workers", Load::Closed { concurrency: 16 }),
        ("open, 300/s", open(300.0)),
    ] {
        let server = Server::start(Behaviour {
            delay: Some(delay.clone()),
            list_body: body.clone(),
            ..Behaviour::default()
        });
        let report = run(&server, load, 15, 600);
        let (service, response) = list(&report);
        line(&format!("{name}, response"), response);
        line(&format!("{name}, service"), service);
        let mut took: Vec<u64> = server.took().into_iter().map(|(_, t)| t).collect();
        took.sort_unstable();
        let at = |q: f64| {
            took[((took.len() as f64 * q).ceil() as usize - 1).min(took.len() - 1)] as f64 / 1e3
        };
        println!(
            "  {:36} n {:6}  p50 {:8.3}  p90 {:8.3}  p99 {:8.3}  p99.9 {:8.3}  max {:8.3} ms",
            "in the server",
            took.len(),
            at(0.5),
            at(0.9),
            at(0.99),
            at(0.999),
            at(1.0)
        );
    }

    println!(
        "one stall of 2 s in 30 s at 500/s: 1,000 of 15,000 requests wait, evenly from 2,000 ms down:"
    );
    println!("  p99 is 1,700 and p99.9 1,970 ms, the longest 2,000 ms");
    for (name, load) in [
        ("open, 500/s, response", open(500.0)),
        (
            "closed, 8 workers, response",
            Load::Closed { concurrency: 8 },
        ),
    ] {
        let freeze = Some((Duration::from_secs(2), Duration::from_secs(600)));
        let delay = Arc::new(|_: &str, _| Duration::from_millis(1));
        let server = Server::start(Behaviour {
            freeze,
            delay: Some(delay),
            list_body: body.clone(),
            ..Behaviour::default()
        });
        let report = run(&server, load, 30, 2_000);
        line(name, list(&report).1);
    }
}
