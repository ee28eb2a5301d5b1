//! A server that behaves like the parts of EspoCRM's API that the load tester uses, with faults and delays that a real
//! instance cannot produce on demand.
//!
//! It has one thread per connection and sleeps with the system's own timer, so that an injected latency is accurate to
//! about 0.1 ms. It records the actual times.

#![allow(dead_code, reason = "each example uses only a part")]

use std::collections::BTreeMap;
use std::io::{BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use http::{Asked, read};

pub(crate) mod evil;
mod http;

/// A request as received by the server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seen {
    /// The header `X-Espo-Bench`: worker/iteration.
    pub tag: String,
    pub method: String,
    pub target: String,
    pub body: String,
}

/// The entity types of the server.
const ENTITY_TYPES: [&str; 16] = [
    "Account",
    "Attachment",
    "Call",
    "Campaign",
    "Case",
    "Contact",
    "Document",
    "Email",
    "Lead",
    "Meeting",
    "Note",
    "Opportunity",
    "TargetList",
    "Task",
    "Team",
    "User",
];

/// The stock metadata of these entity types. A short run of a debug build would spend most of its time on the others.
static METADATA: LazyLock<String> = LazyLock::new(|| {
    let mut metadata = espo_schema::Schema::stock().raw.clone();
    for section in [
        "clientDefs",
        "entityDefs",
        "recordDefs",
        "scopes",
        "selectDefs",
    ] {
        if let Some(types) = metadata.get_mut(section).and_then(Value::as_object_mut) {
            types.retain(|name, _| ENTITY_TYPES.contains(&name.as_str()));
        }
    }
    metadata.to_string()
});

type Delay = dyn Fn(&str, u64) -> Duration + Send + Sync;
type Evil = dyn Fn(&str, bool) -> Option<Arc<evil::Act>> + Send + Sync;

/// The behaviour of the server.
#[derive(Clone, Default)]
pub(crate) struct Behaviour {
    /// Delay before the response, from method and path, and the number of the request.
    pub delay: Option<Arc<Delay>>,
    /// Stalls in the first part of every period, counted from the first request of the load.
    pub freeze: Option<(Duration, Duration)>,
    /// Status of all responses to requests of the load.
    pub status: Option<u16>,
    /// Creates are carried out but get no response.
    pub mute_creates: bool,
    /// Records at the start, by entity type.
    pub records: BTreeMap<String, usize>,
    /// Maximum number of requests of the load that are processed at a time; the others wait.
    pub places: Option<usize>,
    /// A body for lists, instead of the records.
    pub list_body: Option<String>,
    /// Closes the connection after each response.
    pub closes: bool,
    /// A header and its value; requests without them get a 401 from a gateway in front of the server.
    pub gate: Option<(&'static str, &'static str)>,
    /// Deletes get no response.
    pub mute_deletes: bool,
    /// After this number of requests of the load, all requests get a 401.
    pub rejects_after: Option<u64>,
    /// All credentials are accepted, and every third request of the load gets a 500 that repeats its headers.
    pub echoes: bool,
    /// The behaviour instead of a normal response, from method and path, and whether the request is part of the load.
    pub evil: Option<Arc<Evil>>,
    /// Maximum number of creates; further ones are rejected with 403.
    pub creates: Option<u64>,
}

type Records = BTreeMap<String, BTreeMap<String, Map<String, Value>>>;

struct State {
    behaviour: Behaviour,
    records: Mutex<Records>,
    seen: Mutex<Vec<Seen>>,
    /// Microseconds that each request of the load actually spent in the server.
    took: Mutex<Vec<(String, u64)>>,
    load_started: Mutex<Option<Instant>>,
    /// Number of requests that are being processed.
    busy: Mutex<usize>,
    free: Condvar,
    next: AtomicU64,
    count: AtomicU64,
    /// Number of requests with a wrong key.
    refused: AtomicU64,
    stop: AtomicBool,
}

pub(crate) struct Server {
    pub url: String,
    address: SocketAddr,
    state: Arc<State>,
}

impl Server {
    pub(crate) fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut records = Records::new();
        let mut next = 0;
        for (entity, count) in &behaviour.records {
            for n in 0..*count {
                next += 1;
                let record = json!({ "id": id(next), "name": format!("Harbor {n}") });
                records
                    .entry(entity.clone())
                    .or_default()
                    .insert(id(next), record.as_object().unwrap().clone());
            }
        }
        let state = Arc::new(State {
            behaviour,
            records: Mutex::new(records),
            seen: Mutex::default(),
            took: Mutex::default(),
            load_started: Mutex::default(),
            busy: Mutex::default(),
            free: Condvar::new(),
            next: AtomicU64::new(next),
            count: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            stop: AtomicBool::new(false),
        });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.stop.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(stream), shared) = (stream, Arc::clone(&shared)) else {
                    continue;
                };
                std::thread::spawn(move || drop(serve(stream, &shared)));
            }
        });
        Self {
            url: format!("http://{address}"),
            address,
            state,
        }
    }

    /// Returns the requests of the load so far, identified by the worker's tag.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }

    /// Returns the number of requests with rejected credentials.
    pub(crate) fn refused(&self) -> u64 {
        self.state.refused.load(Ordering::Relaxed)
    }

    /// Returns the microseconds in the server, by method and path.
    pub(crate) fn took(&self) -> Vec<(String, u64)> {
        self.state.took.lock().unwrap().clone()
    }

    /// Deletes all records of an entity type without informing clients.
    pub(crate) fn forget(&self, entity: &str) {
        self.state.records.lock().unwrap().remove(entity);
    }

    /// Waits until the requests of all clients that are gone have been carried out.
    ///
    /// Connections are accepted in order, so a response to this one shows that all earlier ones were accepted.
    pub(crate) fn settle(&self) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        stream.read_exact(&mut [0]).unwrap();
        drop(stream);
        // This server, the listener and each open connection have a reference to the state.
        let since = Instant::now();
        while Arc::strong_count(&self.state) > 2 {
            assert!(
                since.elapsed() < Duration::from_secs(60),
                "connections stay open"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn records(&self, entity: &str) -> Vec<Map<String, Value>> {
        let records = self.state.records.lock().unwrap();
        let all = records.get(entity).map(|r| r.values().cloned().collect());
        all.unwrap_or_default()
    }

    pub(crate) fn ids(&self, entity: &str) -> Vec<String> {
        self.state
            .records
            .lock()
            .unwrap()
            .get(entity)
            .map(|r| r.keys().cloned().collect())
            .unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(self.address));
    }
}

fn id(n: u64) -> String {
    format!("{n:017x}")
}

fn serve(stream: TcpStream, state: &State) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    while let Some(asked) = read(&mut reader)? {
        let started = Instant::now();
        let path = asked
            .target
            .split('?')
            .next()
            .unwrap_or("")
            .split_once("/api/v1/")
            .map_or("", |(_, path)| path)
            .to_owned();
        let is_load = asked.tag.is_some();
        if let Some(tag) = asked.tag.clone() {
            let seen = Seen {
                tag,
                method: asked.method.clone(),
                target: asked.target.clone(),
                body: asked.body.clone(),
            };
            state.seen.lock().unwrap().push(seen);
            wait(state, &asked.method, &path, started);
        }
        let evil = state.behaviour.evil.as_ref();
        if let Some(act) = evil.and_then(|evil| evil(&format!("{} {path}", asked.method), is_load))
        {
            match act.send(&mut writer)? {
                true => continue,
                false => return Ok(()),
            }
        }
        let gate = state.behaviour.gate.filter(|(name, value)| {
            let given = asked.headers.iter().find(|(n, _)| n == name);
            given.is_none_or(|(_, v)| v != value)
        });
        if gate.is_some() {
            let page = "<html>Please log in at the gate</html>";
            let head = "HTTP/1.1 401 X\r\nWWW-Authenticate: Basic realm=\"Gate\"\r\nContent-Type: text/html";
            let length = page.len();
            let text = format!("{head}\r\nContent-Length: {length}\r\n\r\n{page}");
            writer.write_all(text.as_bytes())?;
            continue;
        }
        if state.behaviour.echoes && is_load {
            let count = state.seen.lock().unwrap().len();
            let headers = asked.headers.iter().map(|(n, v)| format!("{n}: {v}"));
            let headers = headers.collect::<Vec<_>>().join(" | ");
            if count.is_multiple_of(3) {
                let head = format!("HTTP/1.1 500 X\r\nX-Status-Reason: {headers}");
                let length = headers.len();
                let text = format!("{head}\r\nContent-Length: {length}\r\n\r\n{headers}");
                writer.write_all(text.as_bytes())?;
                continue;
            }
        }
        let rejects = (state.behaviour.rejects_after)
            .is_some_and(|after| state.seen.lock().unwrap().len() as u64 > after);
        let (status, body) = match state.behaviour.status.filter(|_| is_load) {
            Some(status) => (status, String::new()),
            None if rejects => (401, String::new()),
            None if asked.key.as_deref() != Some("key") && !state.behaviour.echoes => {
                state.refused.fetch_add(1, Ordering::Relaxed);
                (401, String::new())
            }
            None => answer(state, &asked, &path),
        };
        if state.behaviour.mute_deletes && asked.method == "DELETE" {
            std::thread::sleep(Duration::from_secs(60));
            return Ok(());
        }
        if state.behaviour.mute_creates && asked.method == "POST" && is_load {
            return Ok(());
        }
        if is_load {
            let took = u64::try_from(started.elapsed().as_micros()).unwrap();
            state.took.lock().unwrap().push((
                format!("{} {}", asked.method, path.split('/').next().unwrap_or("")),
                took,
            ));
        }
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: {}\r\n\r\n",
            body.len(),
            if state.behaviour.closes {
                "close"
            } else {
                "keep-alive"
            }
        );
        writer.write_all((head + &body).as_bytes())?;
        if state.behaviour.closes {
            return Ok(());
        }
    }
    Ok(())
}

fn wait(state: &State, method: &str, path: &str, now: Instant) {
    if let Some((frozen, period)) = state.behaviour.freeze {
        let start = *state.load_started.lock().unwrap().get_or_insert(now);
        let into = Duration::from_nanos(((now - start).as_nanos() % period.as_nanos()) as u64);
        if into < frozen {
            std::thread::sleep(frozen - into);
        }
    }
    if let Some(places) = state.behaviour.places {
        let busy = state.busy.lock().unwrap();
        *state.free.wait_while(busy, |busy| *busy >= places).unwrap() += 1;
    }
    if let Some(delay) = &state.behaviour.delay {
        let number = state.count.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(delay(&format!("{method} {path}"), number));
    }
    if state.behaviour.places.is_some() {
        *state.busy.lock().unwrap() -= 1;
        state.free.notify_one();
    }
}

fn answer(state: &State, asked: &Asked, path: &str) -> (u16, String) {
    let segments: Vec<&str> = path.split('/').collect();
    let mut records = state.records.lock().unwrap();
    match (asked.method.as_str(), segments.as_slice()) {
        ("GET", ["App", "user"]) => {
            let user = json!({ "user": { "id": "u1", "userName": "jane" }, "token": "session" });
            (200, user.to_string())
        }
        ("GET", ["App", "about"]) => (200, json!({ "version": "9.3.0" }).to_string()),
        ("GET", ["Metadata"]) => (200, METADATA.clone()),
        ("GET", [entity]) => match state
            .behaviour
            .list_body
            .clone()
            .filter(|_| asked.tag.is_some())
        {
            Some(body) => (200, body),
            None => (200, list(records.get(*entity), &asked.target)),
        },
        ("POST", [_])
            if (state.behaviour.creates)
                .is_some_and(|most| state.next.load(Ordering::Relaxed) >= most) =>
        {
            (403, String::new())
        }
        ("POST", [entity]) => {
            let id = id(state.next.fetch_add(1, Ordering::Relaxed) + 1);
            let mut record: Map<String, Value> = serde_json::from_str(&asked.body).unwrap();
            record.insert("id".into(), id.clone().into());
            records
                .entry((*entity).to_owned())
                .or_default()
                .insert(id, record.clone());
            (200, Value::Object(record).to_string())
        }
        ("GET", [entity, id]) => match records.get(*entity).and_then(|r| r.get(*id)) {
            Some(record) => (200, Value::Object(record.clone()).to_string()),
            None => (404, String::new()),
        },
        ("PUT", [entity, id]) => match records.get_mut(*entity).and_then(|r| r.get_mut(*id)) {
            Some(record) => {
                record.extend(serde_json::from_str::<Map<String, Value>>(&asked.body).unwrap());
                (200, Value::Object(record.clone()).to_string())
            }
            None => (404, String::new()),
        },
        ("DELETE", [entity, id]) => match records.get_mut(*entity).and_then(|r| r.remove(*id)) {
            Some(_) => (200, "true".into()),
            None => (404, String::new()),
        },
        ("GET", [_, _, _]) => (200, json!({ "total": 0, "list": [] }).to_string()),
        ("POST" | "DELETE", [_, _, _]) => (200, "true".into()),
        _ => (404, String::new()),
    }
}

fn list(records: Option<&BTreeMap<String, Map<String, Value>>>, target: &str) -> String {
    let query = target
        .split_once("searchParams=")
        .map_or("%7B%7D", |(_, q)| q);
    let decoded = percent_encoding::percent_decode_str(query).decode_utf8_lossy();
    let params: Value = serde_json::from_str(&decoded).unwrap();
    let number = |key: &str, default: u64| {
        params.get(key).and_then(Value::as_u64).unwrap_or(default) as usize
    };
    let prefix = params.pointer("/where/0/value").and_then(Value::as_str);
    let attribute = params
        .pointer("/where/0/attribute")
        .and_then(Value::as_str)
        .unwrap_or("name");
    let fits = |record: &&Map<String, Value>| {
        prefix.is_none_or(|p| {
            record
                .get(attribute)
                .and_then(Value::as_str)
                .is_some_and(|v| v.starts_with(p))
        })
    };
    let all: Vec<&Map<String, Value>> = records
        .map(|r| r.values().filter(fits).collect())
        .unwrap_or_default();
    let page: Vec<_> = all
        .iter()
        .skip(number("offset", 0))
        .take(number("maxSize", 200))
        .collect();
    json!({ "total": all.len(), "list": page }).to_string()
}

/// Returns options for a run against the server, with tagged requests.
pub(crate) fn options(server: &Server, workload: &str) -> espo_bench::RunOptions {
    options_at(&server.url, workload)
}

/// Same as [`options`], for a different server.
pub(crate) fn options_at(url: &str, workload: &str) -> espo_bench::RunOptions {
    let workload =
        espo_bench::Workload::parse("test.toml", workload, std::path::Path::new(".")).unwrap();
    let credentials = vec![espo_bench::Credentials::new(espo_core::Auth::api_key(
        "key",
    ))];
    let target = espo_bench::Target::Url {
        url: url.to_owned(),
        credentials,
    };
    let mut options = espo_bench::RunOptions::new(workload, target);
    options.tag_requests = true;
    options
}
