//! A receiver of webhooks: verifies the signature over the exact bytes, then decodes the records.
//!
//! `cargo run -p espo-typed --example webhook_receiver`

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use espo_typed::espo_core::webhook::verify;
use espo_typed::prelude::*;

/// The secret keys of the webhooks that this receiver knows, by ID, as returned by
/// `crm.records::<Webhook>().ensure(…)`.
#[derive(Default)]
struct Secrets(Vec<(String, String)>);

impl Secrets {
    fn of(&self, id: &str) -> Option<String> {
        Some(self.0.iter().find(|(known, _)| known == id)?.1.clone())
    }
}

async fn receive(
    State(secrets): State<Arc<Secrets>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let delivery = match verify(&headers, &body, |id| secrets.of(id)) {
        Ok(delivery) => delivery,
        Err(error) => {
            // The sender gets no details; after a 403 the server retries later.
            eprintln!("rejected: {error}");
            return StatusCode::FORBIDDEN;
        }
    };
    let Ok(accounts) = delivery.records::<Account>() else {
        return StatusCode::BAD_REQUEST;
    };
    for account in accounts {
        match account {
            Ok(account) => println!("account {:?} is called {:?}", account.id, account.name),
            Err(error) => eprintln!("not processed: {error}"),
        }
    }
    StatusCode::OK
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let secrets = Secrets(vec![(
        "6b0595cdc80fa1ab0".into(),
        "the key that the server returned".into(),
    )]);
    let app = Router::new()
        .route("/hook", post(receive))
        .with_state(Arc::new(secrets));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(async move { axum::serve(listener, app).await });

    // A request as the server would send it for `Account.create`, signed with that key, to show both outcomes.
    let body = r#"[{"id":"6b0595cdc80fa1ab1","name":"Acme"}]"#;
    let forged = "NmIwNTk1Y2RjODBmYTFhYjA6MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMA==";
    println!("{}", deliver(address, body, SIGNATURE).await?);
    println!("{}", deliver(address, body, forged).await?);
    server.abort();
    Ok(())
}

/// `base64("6b0595cdc80fa1ab0:" + hex(HMAC-SHA-256(key, body)))`
const SIGNATURE: &str = "NmIwNTk1Y2RjODBmYTFhYjA6ODhiODI0YzBmYjdmNWZmN2Q4ODFiNTkyMzJhZDkyNjQxYjVlNDU1MmNlZmViYmEwNTZjOWY0OGE5ODAxMjdkNw==";

/// The status line of the response.
async fn deliver(
    address: std::net::SocketAddr,
    body: &str,
    signature: &str,
) -> std::io::Result<String> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    let length = body.len();
    let request = format!(
        "POST /hook HTTP/1.1\r\nHost: {address}\r\nSignature: {signature}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut response = String::new();
    stream.read_to_string(&mut response).await?;
    Ok(response.lines().next().unwrap_or_default().to_owned())
}
