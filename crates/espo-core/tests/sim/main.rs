//! Tests against the embedded server.

mod bulk;
mod calls;
mod crm;
mod encoding;
mod files;
mod login;
mod mail;
mod notes;
mod paging;
mod people;
mod records;
mod rest;
mod resume;

use espo_core::typed::Id;
use espo_core::{Auth, Client, ClientBuilder, JsonObject, RetryPolicy};
use espo_sim::Sim;
use serde_json::Value;

/// A client with the sample API key.
fn client(sim: &Sim) -> ClientBuilder {
    let users = sim.users();
    let user = users.api_key_user().expect("a sample user");
    with(
        sim,
        Auth::api_key(user.api_key.as_deref().expect("its key")),
    )
}

fn with(sim: &Sim, auth: impl Into<Auth>) -> ClientBuilder {
    Client::builder(sim.url())
        .auth(auth)
        .no_proxy()
        .retry(RetryPolicy::none())
}

/// A client with the sample administrator's password.
fn admin(sim: &Sim) -> Client {
    let users = sim.users();
    let user = users.admin().expect("a sample administrator");
    let password = user.password.clone().expect("its password");
    let auth = Auth::password(&user.user_name, password);
    with(sim, auth).build().expect("a client")
}

/// A client with the sample regular user's password: only regular users and administrators have an inbox.
fn regular(sim: &Sim) -> Client {
    let users = sim.users();
    let user = users
        .find(|u| u.type_ == "regular" && u.password.is_some())
        .expect("a sample regular user");
    let password = user.password.clone().expect("its password");
    let auth = Auth::password(&user.user_name, password);
    with(sim, auth).build().expect("a client")
}

async fn start() -> (Sim, Client) {
    let sim = Sim::start().await.unwrap();
    let crm = client(&sim).build().unwrap();
    (sim, crm)
}

fn object(value: Value) -> JsonObject {
    value.as_object().unwrap().clone()
}

async fn create(crm: &Client, entity_type: &'static str, attributes: Value) -> String {
    let record = crm
        .untyped(entity_type)
        .create(object(attributes))
        .send()
        .await;
    let record = record.unwrap_or_else(|error| panic!("{entity_type}: {error}"));
    record["id"].as_str().unwrap().to_owned()
}

async fn read(crm: &Client, entity_type: &'static str, id: &str) -> JsonObject {
    crm.untyped(entity_type).read(Id::new(id)).await.unwrap()
}

/// The caller's user ID.
async fn me(crm: &Client) -> String {
    let user = crm.app().user::<JsonObject>().await.unwrap();
    user.id().to_string()
}
