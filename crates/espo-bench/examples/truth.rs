//! Compares the figures of `espo-bench` with known response times. Needs a release build and a quiet machine:
//! `cargo run --release -p espo-bench --example truth`, with `frozen`, `injected` or `stall` after `--` to run one
//! part. Exits with 1 if the figures of the frozen server are off by more than 5 %. The example `injected` is similar,
//! but uses the embedded server.

#[path = "../tests/it/support/mod.rs"]
mod support;

/// The allocator of the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use espo_bench::report::Distribution;
use espo_bench::{Arrivals, Decode, Limit, Load, Report};
use support::{Behaviour, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const LIST: &str = "[[operation]]\nkind = \"list\"\nentity = \"Account\"\n";

fn run(url: &str, load: Load, seconds: u64, in_flight: u32) -> Report {
    let mut options = support::options_at(url, LIST);
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

const EMPTY: &str = r#"{"total":0,"list":[]}"#;
const FROZEN: Duration = Duration::from_millis(400);
const PERIOD: Duration = Duration::from_secs(2);

/// A server on one thread that stalls in the first part of every period, counted from the load's first request. It then
/// processes the requests that arrived during the stall in order.
struct Frozen {
    address: SocketAddr,
}

impl Frozen {
    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        std::thread::spawn(move || {
            pin(1);
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(Self::accept(listener))
        });
        Self { address }
    }

    async fn accept(listener: TcpListener) -> std::io::Result<()> {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let started = Arc::new(OnceLock::new());
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(Self::serve(stream, Arc::clone(&started)));
        }
    }

    async fn serve(
        mut stream: tokio::net::TcpStream,
        started: Arc<OnceLock<Instant>>,
    ) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut request = Vec::with_capacity(4_096);
        loop {
            while !request.ends_with(b"\r\n\r\n") {
                if stream.read_buf(&mut request).await? == 0 {
                    return Ok(());
                }
            }
            let of = |path: &str| request.starts_with(format!("GET /api/v1/{path}").as_bytes());
            let metadata;
            let tag = b"x-espo-bench";
            let body = if request.windows(tag.len()).any(|w| w == tag) {
                let now = Instant::now();
                let since = now - *started.get_or_init(|| now);
                let into = Duration::from_nanos((since.as_nanos() % PERIOD.as_nanos()) as u64);
                // Blocks the thread, not only the task, so that no other request is accepted, read or processed.
                std::thread::sleep(FROZEN.saturating_sub(into));
                EMPTY
            } else if of("Account?") {
                EMPTY
            } else if of("App/user") {
                r#"{"user":{"id":"u1"}}"#
            } else if of("App/about") {
                r#"{"version":"9.3.0"}"#
            } else {
                metadata = espo_schema::Schema::stock().raw.to_string();
                &metadata
            };
            let length = body.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
            );
            stream.write_all((head + body).as_bytes()).await?;
            request.clear();
        }
    }
}

/// Returns whether the figures are within 5 % of the true values in ms.
fn holds(d: &Distribution) -> bool {
    let mut all = true;
    for (name, shown, truth) in [
        ("p90", d.p90, 200.0),
        ("p99", d.p99, 380.0),
        ("p99.9", d.p999, 398.0),
    ] {
        let off = (shown as f64 / 1e3 / truth - 1.0) * 100.0;
        let held = off.abs() <= 5.0;
        println!(
            "    {name:6} {truth} true, {off:+.1} %{}",
            if held { "" } else { ": more than 5" }
        );
        all &= held;
    }
    all
}

fn frozen() -> bool {
    // The true values leave out the time in which the server processes the requests that waited, about 25 µs each. At
    // 500/s, 200 of them wait, so the figures are off by up to 5 ms.
    println!("frozen 400 ms of every 2 s, 500/s for 20 s: true p90 200, p99 380, p99.9 398 ms");
    let mut all = true;
    for in_flight in [16, 600] {
        let server = Frozen::start();
        let report = run(&server.url(), open(500.0), 20, in_flight);
        let (service, response) = list(&report);
        line(&format!("{in_flight} in flight, response"), response);
        line(&format!("{in_flight} in flight, service"), service);
        all &= holds(response);
    }
    all
}

fn injected() {
    println!(
        "injected 2 to 52 ms, one in 500 of 150 ms; the true values are those measured by the server"
    );
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
            list_body: Some(EMPTY.to_owned()),
            ..Behaviour::default()
        });
        let report = run(&server.url, load, 15, 600);
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
}

fn one_stall() {
    println!(
        "one stall of 2 s in 30 s at 500/s: 1,000 of 15,000 requests wait, evenly from 2,000 ms down:"
    );
    println!("  p99 is 1,700 and p99.9 1,970 ms, the maximum 2,000 ms");
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
            list_body: Some(EMPTY.to_owned()),
            ..Behaviour::default()
        });
        let report = run(&server.url, load, 30, 2_000);
        line(name, list(&report).1);
    }
}

/// Pins the thread, and those that it starts, to one core, as `compare-generators` does. Otherwise the scheduler would
/// sometimes place server and generator on the same core after a stall.
fn pin(core: usize) {
    #[cfg(target_os = "linux")]
    {
        let mut cores = rustix::thread::CpuSet::new();
        cores.set(core);
        // A machine with a single core cannot separate them.
        let _ = rustix::thread::sched_setaffinity(None, &cores);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = core;
}

fn main() -> ExitCode {
    pin(0);
    let parts: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|p| p == part);
    let mut all = true;
    if wanted("frozen") {
        all &= frozen();
    }
    if wanted("injected") {
        injected();
    }
    if wanted("stall") {
        one_stall();
    }
    if all {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
