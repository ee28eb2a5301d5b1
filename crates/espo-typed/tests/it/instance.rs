//! Checks whether an instance still matches the generated code.

use std::sync::{Arc, Mutex};

use espo_schema::Schema;
use espo_sim::Sim;
use espo_typed::espo_core::Request;
use espo_typed::espo_core::http::Method;
use espo_typed::espo_core::typed::OnRebuild;
use espo_typed::prelude::*;
use serde_json::json;

fn admin(sim: &Sim) -> Client {
    let admin = sim.users().admin().expect("an administrator");
    let auth = Auth::password(
        admin.user_name.clone(),
        admin.password.clone().unwrap_or_default(),
    );
    Client::builder(sim.url())
        .auth(auth)
        .build()
        .expect("a client")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stock_instance_matches_the_expected_schema() {
    let sim = Sim::start().await.expect("the server starts");
    assert_eq!(
        admin(&sim)
            .check_schema(EXPECTED_SCHEMA)
            .await
            .expect("metadata"),
        []
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_by_an_administrator_are_reported() {
    let mut tree = Schema::stock().raw.clone();
    let account = tree["entityDefs"]["Account"]["fields"]
        .as_object_mut()
        .expect("fields");
    account.remove("website");
    account.insert("industry".into(), json!({"type": "varchar"}));
    tree["entityDefs"]
        .as_object_mut()
        .expect("entity types")
        .remove("Case");
    let schema = Schema::from_value(tree, "changed").expect("metadata");
    let sim = Sim::builder()
        .schema(schema)
        .start()
        .await
        .expect("the server starts");
    let told = admin(&sim)
        .check_schema(EXPECTED_SCHEMA)
        .await
        .expect("metadata");
    let told: Vec<String> = told.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "Account.industry is of type varchar, expected enum",
            "Account.website is missing",
            "Case is missing"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_of_the_instance_is_reported_once() {
    let sim = Sim::start().await.expect("the server starts");
    let told = Arc::new(Mutex::new(Vec::new()));
    let user = sim
        .users()
        .api_key_user()
        .and_then(|user| user.api_key.clone())
        .expect("a key");
    let crm = Client::builder(sim.url())
        .auth(Auth::api_key(user))
        .hook(OnRebuild::new({
            let told = told.clone();
            move |before, now| told.lock().expect("no panic").push((before, now))
        }))
        .build()
        .expect("a client");
    for _ in 0..3 {
        crm.list::<Account>().await.expect("a list");
    }
    assert_eq!(*told.lock().expect("no panic"), []);

    // After an administrator rebuilds the cache, the next response reports it, once.
    let rebuild = Request::new(Method::POST, &["Admin", "rebuild"]);
    admin(&sim).send(rebuild).await.expect("rebuilt");
    for _ in 0..3 {
        crm.list::<Account>().await.expect("a list");
    }
    let told = told.lock().expect("no panic");
    assert_eq!(told.len(), 1);
    assert!(told[0].0 < told[0].1, "{told:?}");
}
