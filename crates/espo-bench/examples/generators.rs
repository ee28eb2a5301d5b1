//! Measures the cost of the load tester compared with other generators: a server with prepared bodies, and a minimal
//! reqwest loop as the baseline.
//!
//! ```text
//! generators serve PORT                                  # one thread; list of 20 accounts; port 0 selects a free port
//! generators bare URL CONCURRENCY SECONDS skip|typed     # result as one line of JSON
//! ```
//!
//! `cargo xtask compare-generators` runs both, each on a separate core.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use espo_core::typed::Decode as _;
use serde_json::{Value, json};

pub(crate) fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    match words.as_slice() {
        ["serve", port] => runtime.block_on(serve(port)),
        ["bare", url, concurrency, seconds, decode] => runtime.block_on(bare(
            url,
            concurrency.parse().expect("a concurrency"),
            Duration::from_secs(seconds.parse().expect("seconds")),
            *decode == "typed",
        )),
        _ => {
            eprintln!("generators serve PORT | generators bare URL CONCURRENCY SECONDS skip|typed");
            std::process::exit(2);
        }
    }
}

/// Returns a page of 20 accounts as requested by a list view: the attributes that are always included and those that
/// users choose, 13.6 KB.
fn page() -> String {
    const SHOWN: [&str; 21] = [
        "id",
        "name",
        "deleted",
        "website",
        "emailAddress",
        "phoneNumber",
        "type",
        "industry",
        "billingAddressStreet",
        "billingAddressCity",
        "billingAddressCountry",
        "billingAddressPostalCode",
        "description",
        "createdAt",
        "modifiedAt",
        "createdById",
        "createdByName",
        "modifiedById",
        "assignedUserId",
        "assignedUserName",
        "isFollowed",
    ];
    let stock = espo_schema::Schema::stock()
        .entity_type("Account")
        .expect("stock has accounts");
    let row = |n: u32| -> Value {
        let cell = |name: &&str| {
            let attribute = &stock.attributes[*name];
            let value = match attribute.value {
                espo_schema::ValueType::Bool => json!(false),
                espo_schema::ValueType::DateTime => json!("2026-01-31 08:15:00"),
                espo_schema::ValueType::Id { .. } => json!(format!("{n:017x}")),
                _ => json!(format!("Harbor {n:02} & Sons")),
            };
            ((*name).to_owned(), value)
        };
        SHOWN.iter().map(cell).collect()
    };
    json!({ "total": 20, "list": (0..20).map(row).collect::<Vec<_>>() }).to_string()
}

fn fixed(text: String) -> axum::routing::MethodRouter {
    let text = bytes::Bytes::from(text);
    get(move || {
        let text = text.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], text).into_response() }
    })
}

/// Serves lists and counts them: `/count` returns the number of responses, independently of the client's count.
fn counted(text: String, count: Arc<AtomicU64>) -> axum::routing::MethodRouter {
    let text = bytes::Bytes::from(text);
    get(move || {
        count.fetch_add(1, Ordering::Relaxed);
        let text = text.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], text).into_response() }
    })
}

async fn serve(port: &str) {
    let lists = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&lists);
    let app = Router::new()
        .route(
            "/api/v1/App/user",
            fixed(json!({ "user": { "id": "u1" } }).to_string()),
        )
        .route(
            "/api/v1/App/about",
            fixed(json!({ "version": "9.3.0" }).to_string()),
        )
        .route(
            "/api/v1/Metadata",
            fixed(espo_schema::Schema::stock().raw.to_string()),
        )
        .route("/api/v1/Account", counted(page(), lists))
        .route(
            "/count",
            get(move || async move { count.load(Ordering::Relaxed).to_string() }),
        );
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}"))
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("an address");
    println!("http://{address}");
    axum::serve(listener, app).await.expect("the server");
}

/// A minimal client: one task per connection, one request after the other.
async fn bare(url: &str, concurrency: u32, length: Duration, typed: bool) {
    // Plain HTTP does not use it, but the client requires one.
    let provider = rustls::crypto::ring::default_provider();
    provider
        .install_default()
        .expect("no provider before this one");
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let url: Arc<str> =
        format!("{url}/api/v1/Account?searchParams=%7B%22maxSize%22%3A20%7D").into();
    let done = Arc::new(AtomicU64::new(0));
    let end = Instant::now() + length;
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..concurrency {
        let (client, url, done) = (client.clone(), Arc::clone(&url), Arc::clone(&done));
        tasks.spawn(async move {
            while Instant::now() < end {
                let response = client
                    .get(&*url)
                    .header("X-Api-Key", "key")
                    .send()
                    .await
                    .expect("a response");
                let body = response.bytes().await.expect("a body");
                if typed {
                    let text = std::str::from_utf8(&body).expect("UTF-8");
                    std::hint::black_box(espo_typed::Account::decode_page(text).expect("a page"));
                }
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    while tasks.join_next().await.is_some() {}
    let (count, seconds) = (
        done.load(Ordering::Relaxed),
        started.elapsed().as_secs_f64(),
    );
    println!(
        "{}",
        json!({ "requests": count, "per_second": count as f64 / seconds })
    );
}
