//! Compares reported with expected response times on the embedded server, with known latencies and a server stalled for
//! 2 s. Exits with 1 if a figure is off by more than 2 % or 0.2 ms. Needs a release build and a quiet machine:
//! `cargo run --release -p espo-bench --example injected`.
//!
//! The expected values are computed from the injected delays alone. The overhead of the server, the client and the
//! timers (0.3 to 0.5 ms per request on two shared cores) is not deducted but part of the deviation, so the delays are
//! long enough for it to stay within 2 %.
//!
//! Measured, in ms, expected and reported: closed p50 40.10 and 40.48, p99 59.72 and 60.19, p99.9 189.98 and 190.46;
//! open p50 40.10 and 40.45, p99 59.72 and 60.06, p99.9 189.98 and 190.34. For the stalled server the open model
//! reports p99 1,726 (1,705 expected), p99.9 1,988 (1,975) and a maximum of 2,007 (2,005); the surplus is the thousand
//! requests that the server processes after the stall. The closed model reports 8 ms at p99.9, because only one request
//! per worker met the stall.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use espo_bench::report::Distribution;
use espo_bench::{
    Arrivals, Credentials, Decode, Limit, Load, Report, RunOptions, Target, Workload,
};
use espo_core::Auth;
use espo_sim::{FaultKind, FaultRule, Latency, Operation, Sim, When};
use tokio::runtime::Runtime;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const LIST: &str =
    "[[operation]]\nkind = \"list\"\nentity = \"Account\"\nselect = [\"name\"]\nmax_size = 1\n";
const REQUESTS: u64 = 5_000;
/// The delays cycle through this number of steps.
const STEPS: u64 = 1_000;
const FROM: Duration = Duration::from_millis(20);
const TO: Duration = Duration::from_millis(60);
/// Additional delay of three consecutive requests out of every thousand.
const TAIL: Duration = Duration::from_millis(150);
const BASE: Duration = Duration::from_millis(5);

/// A server on one thread, so that a task that does not yield stalls the whole server.
struct Server {
    runtime: Runtime,
    sim: Sim,
    key: String,
}

impl Server {
    fn start(faults: Vec<FaultRule>) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let sim = runtime.block_on(Sim::builder().records("Account", 20).start())?;
        let key = sim.users().api_key_user().and_then(|u| u.api_key.clone());
        sim.set_faults(faults);
        Ok(Self {
            runtime,
            key: key.ok_or("no user with a key")?,
            sim,
        })
    }

    /// Stalls the server once, after the load has run for some time.
    fn freeze_later(&self, after: Duration, time: Duration) {
        self.runtime.spawn(async move {
            tokio::time::sleep(after).await;
            std::thread::sleep(time);
        });
    }

    fn load(&self, load: Load, limit: Limit) -> Result<Report> {
        let workload = Workload::parse("injected.toml", LIST, std::path::Path::new("."))?;
        let target = Target::Url {
            url: self.sim.url(),
            credentials: vec![Credentials::new(Auth::api_key(self.key.clone()))],
        };
        let mut options = RunOptions::new(workload, target);
        options.load = Some(load);
        options.limit = Some(limit);
        options.decode = Decode::Skip;
        Ok(options.run()?)
    }
}

fn open(rate: f64) -> Load {
    Load::Open {
        rate,
        arrivals: Arrivals::Constant,
    }
}

/// Returns the smallest value that a fraction `q` of all values does not exceed.
fn percentile(sorted: &[f64], q: f64) -> f64 {
    let rank = (sorted.len() as f64 * q).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

/// The reported and the expected milliseconds of each percentile.
struct Row {
    what: String,
    shown: Distribution,
    expected: Vec<f64>,
    /// The figures that are checked. A maximum is a single request, which anything on the machine can delay.
    judged: &'static [&'static str],
}

const SHARES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];

/// Prints the row and returns whether all checked figures are close enough.
fn show(row: Row) -> bool {
    let Row {
        what,
        shown,
        mut expected,
        judged,
    } = row;
    expected.sort_by(f64::total_cmp);
    println!("{what}: {} requests", shown.count);
    let ms = |micros: u64| micros as f64 / 1e3;
    let figures = [shown.p50, shown.p99, shown.p999].map(ms);
    let of = SHARES.map(|(name, q)| (name, percentile(&expected, q)));
    let mut holds = shown.count == expected.len() as u64;
    let all = of.into_iter().zip(figures);
    for ((name, expected), shown) in
        all.chain([(("max", expected[expected.len() - 1]), ms(shown.max))])
    {
        let fits = (shown - expected).abs() <= (expected * 0.02).max(0.2);
        let judged = judged.contains(&name);
        holds &= fits || !judged;
        println!(
            "  {name:6} expected {expected:9.3} ms, reported {shown:9.3} ms, {:+.3} ms ({:+.2} %){}",
            shown - expected,
            (shown / expected - 1.0) * 100.0,
            match (fits, judged) {
                (true, _) => "",
                (false, true) => "  OFF",
                (false, false) => "  (not checked)",
            }
        );
    }
    holds
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Returns the indexes of delayed requests, of ten thousand, which is more than any run here sends.
fn tail() -> impl Iterator<Item = u64> {
    (0..10).flat_map(|thousand| (499..502).map(move |n| thousand * STEPS + n))
}

fn injected() -> Vec<f64> {
    let spread =
        |n: u64| ms(FROM) + (ms(TO) - ms(FROM)) * ((n - 1) % STEPS) as f64 / (STEPS - 1) as f64;
    let late: Vec<u64> = tail().collect();
    (1..=REQUESTS)
        .map(|n| spread(n) + if late.contains(&n) { ms(TAIL) } else { 0.0 })
        .collect()
}

fn known_latencies() -> Result<bool> {
    let slow = |when, latency| FaultRule {
        operation: Operation::List,
        when,
        kind: FaultKind::Latency(latency),
    };
    let spread = Latency::Spread {
        from: FROM,
        to: TO,
        steps: STEPS as u32,
    };
    let faults = vec![
        slow(When::Share(1.0), spread),
        slow(When::Sequence(tail().collect()), Latency::Constant(TAIL)),
    ];
    println!("20 to 60 ms in 1,000 equal steps, three of every 1,000 requests 150 ms longer");
    let mut holds = true;
    for (name, load) in [
        (
            "closed, 16 workers, service",
            Load::Closed { concurrency: 16 },
        ),
        ("open, 500/s, response", open(500.0)),
    ] {
        let server = Server::start(faults.clone())?;
        let report = server.load(load, Limit::Requests(REQUESTS))?;
        let list = &report.operation("list:Account").ok_or("no list")?.outcomes[0];
        let shown = if matches!(load, Load::Open { .. }) {
            &list.response
        } else {
            &list.service
        };
        holds &= show(Row {
            what: name.to_owned(),
            shown: shown.clone(),
            expected: injected(),
            judged: &["p50", "p99", "p99.9"],
        });
    }
    Ok(holds)
}

/// One request every 2 ms; those due during the stall wait for its end.
fn one_stall() -> Result<bool> {
    const RATE: f64 = 500.0;
    const STALL: Duration = Duration::from_secs(2);
    const RUN: Duration = Duration::from_secs(30);
    let base = || {
        vec![FaultRule::always(
            Operation::List,
            FaultKind::Latency(Latency::Constant(BASE)),
        )]
    };
    let requests = (RATE * RUN.as_secs_f64()) as u64;
    println!("5 ms per request, and one stall of the whole server for 2 s, in runs of 30 s");
    let server = Server::start(base())?;
    server.freeze_later(Duration::from_secs(10), STALL);
    let report = server.load(open(RATE), Limit::Duration(RUN))?;
    let list = &report.operation("list:Account").ok_or("no list")?.outcomes[0];
    let waited = |n: u64| (ms(STALL) - n as f64 * 1e3 / RATE).max(0.0);
    let holds = show(Row {
        what: "open, 500/s, response (like wrk2)".to_owned(),
        shown: list.response.clone(),
        expected: (0..requests).map(|n| ms(BASE) + waited(n)).collect(),
        judged: &["p99", "p99.9", "max"],
    });

    let server = Server::start(base())?;
    server.freeze_later(Duration::from_secs(10), STALL);
    let workers = 8;
    let report = server.load(
        Load::Closed {
            concurrency: workers,
        },
        Limit::Duration(RUN),
    )?;
    let list = &report.operation("list:Account").ok_or("no list")?.outcomes[0];
    // Each worker has one request in the stall, regardless of the rate, which is too few for p99.9.
    let stalled = u64::from(workers);
    let expected = (0..list.service.count)
        .map(|n| ms(BASE) + if n < stalled { ms(STALL) } else { 0.0 })
        .collect();
    Ok(holds
        & show(Row {
            what: "closed, 8 workers, service (hides the stall)".to_owned(),
            shown: list.service.clone(),
            expected,
            judged: &["max"],
        }))
}

fn main() -> Result<ExitCode> {
    let holds = known_latencies()? & one_stall()?;
    println!("{}", if holds { "all passed" } else { "some failed" });
    Ok(ExitCode::from(u8::from(!holds)))
}
