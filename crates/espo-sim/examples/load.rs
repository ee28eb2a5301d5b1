//! Measures the server: startup time and memory with many records, the duration of a short test, and lists,
//! reads and creates over sockets with 1 and 16 clients.
//!
//! `cargo run --release -p espo-sim --example load -- --records 100000`
//!
//! Clients and server share the machine's cores.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use clap::Parser;
use espo_sim::Sim;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[derive(Parser)]
struct Args {
    /// Accounts to start with.
    #[arg(long, default_value_t = 100_000)]
    records: usize,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

/// A list with two conditions (a set of options, a part of the name), an order by name, and the total.
const FILTERED: &str = "/Account?maxSize=20&orderBy=name&order=asc&select=name,type,industry\
    &where%5B0%5D%5Btype%5D=in&where%5B0%5D%5Battribute%5D=type&where%5B0%5D%5Bvalue%5D%5B%5D=Customer\
    &where%5B1%5D%5Btype%5D=contains&where%5B1%5D%5Battribute%5D=name&where%5B1%5D%5Bvalue%5D=amber";

/// One connection that stays open.
struct Client {
    stream: BufReader<TcpStream>,
    key: String,
}

impl Client {
    fn new(address: SocketAddr, key: &str) -> Result<Client> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Client {
            stream: BufReader::new(stream),
            key: key.to_owned(),
        })
    }

    /// Sends a request and returns the body of a 200 response.
    fn ask(&mut self, method: &str, path: &str, body: &str) -> Result<Vec<u8>> {
        let key = &self.key;
        let request = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: {key}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let status = self.line()?;
        let mut length = None;
        loop {
            let line = self.line()?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(n) = line.strip_prefix("content-length:") {
                length = Some(n.trim().parse()?);
            }
        }
        let body = match length {
            Some(n) => self.bytes(n)?,
            None => self.chunks()?,
        };
        if !status.contains(" 200 ") {
            return Err(format!("{method} {path}: {status}").into());
        }
        Ok(body)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err("the server closed the connection".into());
        }
        Ok(line.trim_end().to_owned())
    }

    fn bytes(&mut self, n: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; n];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let size = usize::from_str_radix(&self.line()?, 16)?;
            body.extend(self.bytes(size)?);
            self.line()?;
            if size == 0 {
                return Ok(body);
            }
        }
    }
}

/// Runs `work` repeatedly in `clients` threads and returns one line of figures.
fn measure<W>(
    address: SocketAddr,
    key: &str,
    clients: usize,
    time: Duration,
    work: W,
) -> Result<String>
where
    W: Fn(&mut Client, usize) -> Result<()> + Sync,
{
    let start = Instant::now();
    let times = std::thread::scope(|scope| -> Result<Vec<Duration>> {
        let threads: Vec<_> = (0..clients)
            .map(|n| {
                let work = &work;
                scope.spawn(move || -> Result<Vec<Duration>> {
                    let mut client = Client::new(address, key)?;
                    let mut times = Vec::new();
                    while start.elapsed() < time {
                        let began = Instant::now();
                        work(&mut client, times.len() * clients + n)?;
                        times.push(began.elapsed());
                    }
                    Ok(times)
                })
            })
            .collect();
        let mut all = Vec::new();
        for thread in threads {
            all.extend(thread.join().map_err(|_| "a client panicked")??);
        }
        Ok(all)
    })?;
    Ok(figures(times, start.elapsed(), clients))
}

fn figures(mut times: Vec<Duration>, took: Duration, clients: usize) -> String {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    format!(
        "{clients:2} clients: {:8.0} requests/s, p50 {:9.3?}, p99 {:9.3?}",
        times.len() as f64 / took.as_secs_f64(),
        at(50),
        at(99)
    )
}

/// Resident memory in bytes, if `/proc` reports it.
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
    Some(
        line.trim()
            .strip_suffix("kB")?
            .trim()
            .parse::<usize>()
            .ok()?
            * 1024,
    )
}

fn api_key(sim: &Sim) -> Result<String> {
    let key = sim.users().users.iter().find_map(|u| u.api_key.clone());
    Ok(key.ok_or("no API user")?)
}

/// The steps of a typical test: start, create, read, stop.
fn one_test(runtime: &tokio::runtime::Runtime) -> Result<Duration> {
    let began = Instant::now();
    let sim = runtime.block_on(Sim::start())?;
    let mut client = Client::new(sim.address(), &api_key(&sim)?)?;
    let made = client.ask("POST", "/Account", r#"{"name":"Acme"}"#)?;
    let made: serde_json::Value = serde_json::from_slice(&made)?;
    client.ask(
        "GET",
        &format!("/Account/{}", made["id"].as_str().ok_or("no id")?),
        "",
    )?;
    drop(sim);
    Ok(began.elapsed())
}

fn main() -> Result<()> {
    let args = Args::parse();
    let time = Duration::from_secs(args.seconds);
    let runtime = tokio::runtime::Runtime::new()?;

    println!("first test of a process: {:.1?}", one_test(&runtime)?);
    let mut times = (0..200)
        .map(|_| one_test(&runtime))
        .collect::<Result<Vec<_>>>()?;
    times.sort_unstable();
    println!(
        "further tests:           p50 {:.2?}, p99 {:.2?}",
        times[100], times[198]
    );

    let before = resident();
    let began = Instant::now();
    let builder = Sim::builder()
        .seed(1)
        .request_log(0)
        .records("Account", args.records);
    let sim = runtime.block_on(builder.start())?;
    println!(
        "start with {} accounts: {:.2?}",
        args.records,
        began.elapsed()
    );
    if let (Some(before), Some(after)) = (before, resident()) {
        let each = after.saturating_sub(before) / args.records.max(1);
        println!(
            "memory: {} MiB in total, {each} bytes per account",
            after >> 20
        );
    }

    let (address, key) = (sim.address(), api_key(&sim)?);
    let page = Client::new(address, &key)?.ask("GET", "/Account?select=id&maxSize=200", "")?;
    let page: serde_json::Value = serde_json::from_slice(&page)?;
    let rows = page["list"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let ids: Vec<&str> = rows.iter().filter_map(|r| r["id"].as_str()).collect();
    if ids.is_empty() {
        return Err("no accounts to read".into());
    }
    for clients in [1, 16] {
        let list = |c: &mut Client, _| c.ask("GET", FILTERED, "").map(drop);
        let read = |c: &mut Client, n: usize| {
            c.ask("GET", &format!("/Account/{}", ids[n % ids.len()]), "")
                .map(drop)
        };
        // Each name is new, because an existing name would be rejected as a duplicate.
        let create = |c: &mut Client, n: usize| {
            c.ask(
                "POST",
                "/Account",
                &format!(r#"{{"name":"Made {clients} {n}"}}"#),
            )
            .map(drop)
        };
        println!(
            "filtered list {}",
            measure(address, &key, clients, time, list)?
        );
        println!(
            "read          {}",
            measure(address, &key, clients, time, read)?
        );
        println!(
            "create        {}",
            measure(address, &key, clients, time, create)?
        );
    }
    if let Some(after) = resident() {
        println!(
            "memory at the end: {} MiB, {} accounts",
            after >> 20,
            sim.count("Account")
        );
    }
    Ok(())
}
