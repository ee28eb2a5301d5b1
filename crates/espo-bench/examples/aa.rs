//! Checks `compare` for false alarms, with pairs of equal runs and of runs in which one operation is 10 % slower,
//! against a server with an injected latency. `cargo run --release -p espo-bench --example aa -- [PAIRS] [SECONDS]`.

#[path = "../tests/it/support/mod.rs"]
mod support;

use std::sync::Arc;
use std::time::Duration;

use espo_bench::{CompareOptions, Comparison, Limit, Load, Report, Verdict, compare_sides, run};
use support::{Behaviour, Server};

const WORKLOAD: &str = "think = { min = \"1ms\", max = \"4ms\" }\n[[operation]]\nkind = \"list\"\nentity = \"Account\"\nweight = 3\n\
                        [[operation]]\nkind = \"read\"\nentity = \"Account\"\nweight = 3\n[[operation]]\nkind = \"search\"\nentity = \"Contact\"\nweight = 2\n\
                        [[operation]]\nkind = \"related\"\nentity = \"Account\"\nlink = \"contacts\"\nweight = 2\n";

/// Runs a load against a server with response times of 8 to 16 ms, those of `GET Account/…` multiplied by `slower`.
fn report(seconds: u64, seed: u64, slower: f64) -> Report {
    let delay = move |what: &str, n: u64| {
        let base = 8_000.0 + (n.wrapping_mul(2_654_435_761) % 8_000) as f64;
        let read = what.matches('/').count() == 1;
        Duration::from_micros((if read { base * slower } else { base }) as u64)
    };
    let records = [("Account".to_owned(), 50), ("Contact".to_owned(), 50)].into();
    let server = Server::start(Behaviour {
        delay: Some(Arc::new(delay)),
        records,
        ..Behaviour::default()
    });
    let mut options = support::options(&server, WORKLOAD);
    options.load = Some(Load::Closed { concurrency: 8 });
    options.limit = Some(Limit::Duration(Duration::from_secs(seconds)));
    options.warmup = Some(Duration::from_millis(500));
    options.seed = Some(seed);
    run(options).expect("the run")
}

fn verdicts(comparison: &Comparison) -> String {
    let line = |o: &espo_bench::OperationComparison| {
        let change = |d: &Option<espo_bench::Difference>| {
            d.map_or("–".to_owned(), |d| {
                format!(
                    "{:+.1}% [{:+.1} {:+.1}]",
                    d.change * 100.0,
                    d.low * 100.0,
                    d.high * 100.0
                )
            })
        };
        format!(
            "{} {:?} p50 {} p99 {}",
            o.name,
            o.verdict,
            change(&o.p50),
            change(&o.p99)
        )
    };
    comparison
        .operations
        .iter()
        .map(line)
        .collect::<Vec<_>>()
        .join("; ")
}

fn main() {
    let mut arguments = std::env::args()
        .skip(1)
        .map(|a| a.parse::<u64>().expect("a number"));
    let (pairs, seconds) = (
        arguments.next().unwrap_or(20),
        arguments.next().unwrap_or(10),
    );
    // Saturation depends on the machine and is not what this example tests.
    let options = CompareOptions {
        force: true,
        ..CompareOptions::default()
    };
    let (mut wrong, mut found, mut elsewhere, mut refused) = (0, 0, 0, 0);
    for pair in 0..pairs {
        // Three runs per side, in alternation.
        let mut sides = [Vec::new(), Vec::new(), Vec::new()];
        for turn in 0..3 {
            for (side, slower) in [1.0, 1.0, 1.1].into_iter().enumerate() {
                let seed = (pair * 3 + side as u64) * 3 + turn;
                sides[side].push(report(seconds, seed, slower));
            }
        }
        let [a, b, slow] = sides.each_ref().map(|side| side.iter().collect::<Vec<_>>());
        refused += u64::from(compare_sides(&a, &b, CompareOptions::default()).is_err());
        let equal = compare_sides(&a, &b, options).expect("comparable");
        let slower = compare_sides(&a, &slow, options).expect("comparable");
        let differs = |c: &Comparison| {
            c.operations
                .iter()
                .any(|o| matches!(o.verdict, Verdict::Better | Verdict::Worse))
        };
        wrong += u64::from(differs(&equal));
        found += u64::from(
            slower
                .operations
                .iter()
                .any(|o| o.name == "read:Account" && o.verdict == Verdict::Worse),
        );
        elsewhere += u64::from(slower.operations.iter().any(|o| {
            o.name != "read:Account" && matches!(o.verdict, Verdict::Better | Verdict::Worse)
        }));
        println!(
            "pair {pair} equal: {}\n       slower: {}",
            verdicts(&equal),
            verdicts(&slower)
        );
    }
    println!(
        "{pairs} pairs: {wrong} equal pairs got a verdict; {found} slowdowns of 10 % were found, {elsewhere} with a verdict on another operation as well; {refused} equal pairs are rejected without --force (busy machine)"
    );
}
