//! Requests to the simulator, over a socket.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use espo_sim::Sim;
use tokio::runtime::Runtime;

struct Server {
    _runtime: Runtime,
    sim: Sim,
    address: SocketAddr,
}

static SERVER: OnceLock<Server> = OnceLock::new();
/// Requests change the records, so one is sent at a time.
static TURN: Mutex<()> = Mutex::new(());
static PANICKED: AtomicBool = AtomicBool::new(false);
static COUNT: AtomicU32 = AtomicU32::new(0);
/// The records are reset after this number of requests, so that they do not grow without end.
const RESET_AFTER: u32 = 500;

fn server() -> &'static Server {
    SERVER.get_or_init(|| {
        // A panic in a task of the server would otherwise only close the connection.
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICKED.store(true, Ordering::SeqCst);
            before(info);
        }));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let sim = Sim::builder()
            .seed(1)
            .lockout(false)
            .request_log(0)
            .records("Account", 5)
            .records("Contact", 5);
        let sim = runtime.block_on(sim.start()).expect("the simulator");
        let address = sim.address();
        Server {
            _runtime: runtime,
            sim,
            address,
        }
    })
}

/// Bytes of a request without the authentication header; `KEY` in the input stands for the key of an API user. The
/// server neither panics nor stops serving, and it sends valid HTTP.
pub(crate) fn requests(data: &[u8]) {
    // Webhooks and images make the server itself send requests.
    let lower = data.to_ascii_lowercase();
    let sends = |word: &[u8]| lower.windows(word.len()).any(|window| window == word);
    if data.len() > 64 << 10 || sends(b"webhook") || sends(b"imageurl") {
        return;
    }
    let server = server();
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    if COUNT.fetch_add(1, Ordering::SeqCst) % RESET_AFTER == RESET_AFTER - 1 {
        server.sim.reset().expect("the records are as at the start");
    }
    let key = server.sim.api_key();
    let text = String::from_utf8_lossy(data);
    let request = match text.contains("KEY") && crate::text(data).is_some() {
        true => text.replace("KEY", &key).into_bytes(),
        false => data.to_vec(),
    };
    let answer = exchange(server.address, &request);
    assert!(!PANICKED.load(Ordering::SeqCst), "the server panicked");
    assert!(
        answer.is_empty() || answer.starts_with(b"HTTP/1."),
        "not HTTP: {}",
        String::from_utf8_lossy(&answer)
    );
    drop(turn);
}

fn exchange(address: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut answer = Vec::new();
    let Ok(mut socket) = TcpStream::connect(address) else {
        panic!("the server does not accept connections");
    };
    let _ = socket.set_read_timeout(Some(Duration::from_secs(20)));
    // The server may reject the request before it has read all of it.
    let _ = socket.write_all(request);
    let _ = socket.shutdown(Shutdown::Write);
    let _ = socket.read_to_end(&mut answer);
    answer
}
