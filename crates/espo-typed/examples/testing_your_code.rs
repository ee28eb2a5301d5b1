//! Tests application code against an embedded server: sample records, an injected fault, and a check of the requests.
//!
//! `cargo run -p espo-typed --example testing_your_code`

use espo_sim::Sim;
use espo_typed::prelude::*;

/// The code to be tested.
async fn count_customers(crm: &Client) -> Result<u64, Error> {
    crm.list::<Account>()
        .filter(account::TYPE.eq(account::Type::Customer))
        .count()
        .await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A fixed seed and clock give the same IDs and times in every run.
    let sim = Sim::builder().seed(7).start().await?;
    for (name, kind) in [
        ("Acme", "Customer"),
        ("Umbrella", "Partner"),
        ("Globex", "Customer"),
    ] {
        let record = serde_json::json!({"name": name, "type": kind});
        sim.insert("Account", record.as_object().ok_or("an object")?)?;
    }
    let crm = Client::builder(sim.url())
        .auth(Auth::api_key(sim.api_key()))
        .build()?;

    assert_eq!(count_customers(&crm).await?, 2);
    let asked = sim.requests();
    assert_eq!(asked.len(), 1, "one request is enough");
    println!(
        "{} customers, by {} request",
        count_customers(&crm).await?,
        asked.len()
    );
    Ok(())
}
