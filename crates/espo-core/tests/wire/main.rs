//! Behaviour over real sockets, against a server that each test controls.

mod auth;
mod authority;
mod calls;
mod connections;
mod faults;
mod files;
mod flaws;
mod forms;
mod gate;
mod hostile;
mod proxies;
mod secrets;
mod server;
mod tls;
mod transport;
mod webhooks;
