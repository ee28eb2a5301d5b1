//! Measures the overhead of the request path: a typed list of 20 records through `espo-core`, which signs, retries,
//! traces and keeps unknown attributes, compared with a bare reqwest loop that decodes hand-written structs.
//!
//! The figures are CPU times of the client's thread, not elapsed times. The server runs on a separate thread and other
//! processes do not count.
//!
//! `cargo bench -p espo-benches --bench overhead`

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use espo_benches::{DerivedPage, account_page};
use espo_core::prelude::*;
use espo_typed::Account;
use tokio::runtime::Runtime;

const RECORDS: usize = 20;
const PAIRS: usize = 200;
const ROUNDS: u64 = 50;
const QUERY: &str = "/api/v1/Account?searchParams=%7B%22maxSize%22:20%7D";

fn overhead(criterion: &mut Criterion) {
    let url = serve();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let mut group = criterion.benchmark_group("client CPU for a list of 20");
    let hmac = || {
        Auth::hmac(
            "0123456789abcdef0123456789abcdef",
            "fedcba9876543210fedcba9876543210",
        )
    };

    let crm = Client::builder(&*url)
        .auth(hmac())
        .build()
        .expect("a client");
    group.bench_function("espo-core, typed, HMAC", |bencher| {
        bencher.iter_custom(|rounds| {
            cpu(&runtime, rounds, async || {
                let page = crm.list::<Account>().max_size(20).await.expect("a page");
                assert_eq!(page.records.len(), RECORDS);
            })
        });
    });

    let bare = bare();
    let address = format!("{url}{QUERY}");
    let fetch = async || {
        let answer = bare
            .get(&address)
            .header("X-Api-Key", "0123456789abcdef0123456789abcdef")
            .send()
            .await;
        answer.expect("a response").bytes().await.expect("a body")
    };
    group.bench_function("bare reqwest, serde derive from bytes", |bencher| {
        bencher.iter_custom(|rounds| {
            cpu(&runtime, rounds, async || {
                let page: DerivedPage = serde_json::from_slice(&fetch().await).expect("a page");
                assert_eq!(page.list.len(), RECORDS);
            })
        });
    });
    group.bench_function("bare reqwest, no decoding", |bencher| {
        bencher.iter_custom(|rounds| {
            cpu(&runtime, rounds, async || {
                fetch().await;
            })
        });
    });
    group.finish();

    // Disturbances affect both measurements of a pair, so their ratio varies less than the single figures.
    let mut ratios: Vec<f64> = (0..PAIRS)
        .map(|_| {
            let typed = cpu(&runtime, ROUNDS, async || {
                let page = crm.list::<Account>().max_size(20).await.expect("a page");
                assert_eq!(page.records.len(), RECORDS);
            });
            let bare = cpu(&runtime, ROUNDS, async || {
                let page: DerivedPage = serde_json::from_slice(&fetch().await).expect("a page");
                assert_eq!(page.list.len(), RECORDS);
            });
            typed.as_secs_f64() / bare.as_secs_f64()
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    println!(
        "ratio of espo-core to bare reqwest, {PAIRS} pairs of {ROUNDS} lists: median {:.3}, quartiles {:.3} and {:.3}",
        ratios[PAIRS / 2],
        ratios[PAIRS / 4],
        ratios[PAIRS * 3 / 4]
    );
}

/// Returns a default reqwest client, with the TLS provider that it requires but that plain HTTP does not use.
fn bare() -> reqwest::Client {
    let tls = rustls::ClientConfig::builder_with_provider(
        rustls::crypto::ring::default_provider().into(),
    )
    .with_safe_default_protocol_versions()
    .expect("protocol versions")
    .with_root_certificates(rustls::RootCertStore::empty())
    .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .build()
        .expect("a client")
}

/// Returns the CPU time of this thread for a number of rounds.
fn cpu(runtime: &Runtime, rounds: u64, mut round: impl AsyncFnMut()) -> Duration {
    let now = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(
            u64::try_from(time.tv_sec).unwrap_or(0),
            u32::try_from(time.tv_nsec).unwrap_or(0),
        )
    };
    let start = now();
    runtime.block_on(async {
        for _ in 0..rounds {
            round().await;
        }
    });
    now() - start
}

/// Starts a server that returns the same list for every request, and returns its address.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let body = account_page(RECORDS);
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            std::thread::spawn(move || answer_all(stream, &answer));
        }
    });
    url
}

fn answer_all(mut stream: TcpStream, answer: &str) {
    let (mut buffer, mut filled) = ([0; 8192], 0);
    let _ = stream.set_nodelay(true);
    while let Ok(read) = stream.read(&mut buffer[filled..]) {
        if read == 0 {
            return;
        }
        filled += read;
        if buffer[..filled].ends_with(b"\r\n\r\n") {
            filled = 0;
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}

criterion_group!(benches, overhead);
criterion_main!(benches);
