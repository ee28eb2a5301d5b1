//! Against the embedded server.

mod calls;
mod encoding;
mod login;
mod paging;
mod rest;

use espo_core::{Auth, Client, ClientBuilder, RetryPolicy};
use espo_sim::Sim;

/// A client with the sample API key.
fn client(sim: &Sim) -> ClientBuilder {
    let users = sim.users();
    let user = users.api_key_user().expect("a sample user");
    with(
        sim,
        Auth::api_key(user.api_key.as_deref().expect("its key")),
    )
}

fn with(sim: &Sim, auth: Auth) -> ClientBuilder {
    Client::builder(sim.url())
        .auth(auth)
        .no_proxy()
        .retry(RetryPolicy::none())
}
