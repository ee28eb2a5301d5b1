//! Measures the memory of a long stream: reads all records of a large instance one by one, and reports the peak of this
//! process above its initial size.
//!
//! The server is a separate process, so that its memory is not included:
//!
//! `cargo build --release -p espo-sim`, then
//! `cargo run --release -p espo-typed --example stream_memory -- target/release/espo-sim 1000000`
//!
//! For a running instance: `… -- --url http://127.0.0.1:8080 KEY`. Linux only (`/proc/self/status`).

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use espo_typed::espo_core::typed::BoxStream;
use espo_typed::prelude::*;
use serde_json::Value;

type Failure = Box<dyn std::error::Error>;

/// Stops the server when the program ends, even after an error.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (url, key, _server) = match args[..] {
        ["--url", url, key] => (url.to_owned(), key.to_owned(), None),
        [program] => start(program, "1000000")?,
        [program, records] => start(program, records)?,
        _ => return Err("usage: stream_memory ESPO-SIM [RECORDS] | --url URL KEY".into()),
    };
    let crm = Client::builder(url).auth(Auth::api_key(key)).build()?;
    // The connection and the runtime setup count as the initial size.
    crm.list::<Account>().max_size(1).await?;

    measure("by key", crm.list::<Account>().stream()).await?;
    measure(
        "by offset",
        crm.list::<Account>()
            .no_total()
            .paging(Paging::Offset)
            .stream(),
    )
    .await
}

/// Drains a stream and prints its cost.
async fn measure(name: &str, mut records: BoxStream<Account>) -> Result<(), Failure> {
    let (start, begun, mut count) = (status("VmRSS")?, Instant::now(), 0_u64);
    while records.try_next().await?.is_some() {
        count += 1;
    }
    // The peak is of the whole process so far, so it is never less than that of this stream.
    let (peak, seconds) = (status("VmHWM")?, begun.elapsed().as_secs_f64());
    println!(
        "{name}: {count} records in {seconds:.1} s; at the start {:.1} MiB, peak {:.1} MiB, {:.1} MiB above",
        mib(start),
        mib(peak),
        mib(peak.saturating_sub(start)),
    );
    Ok(())
}

/// Starts the embedded server; returns its address, an API key and a guard that stops it.
fn start(program: &str, records: &str) -> Result<(String, String, Option<Server>), Failure> {
    let mut child = Command::new(program)
        .args(["--seed", "1", "--records", &format!("Account={records}")])
        .stdout(Stdio::piped())
        .spawn()?;
    let output = child.stdout.take().ok_or("no output")?;
    let server = Server(child);
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    let said: Value = serde_json::from_str(&line)?;
    let keys = said["users"].as_array().into_iter().flatten();
    let key = keys
        .filter(|user| user["authMethod"] == "ApiKey")
        .find_map(|user| user["apiKey"].as_str())
        .ok_or("no user with an API key")?;
    let url = said["url"].as_str().ok_or("no address")?;
    Ok((url.to_owned(), key.to_owned(), Some(server)))
}

/// A line of `/proc/self/status`, in KiB.
fn status(name: &str) -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let figure = line.and_then(|line| line.split_whitespace().next());
    Ok(figure.ok_or("no such line")?.parse()?)
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
