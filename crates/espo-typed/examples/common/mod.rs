//! The instance that the examples use.

use espo_sim::Sim;
use espo_typed::prelude::*;

/// The instance at `ESPO_URL`, with `ESPO_API_KEY` or `ESPO_USERNAME` and `ESPO_PASSWORD`. Without a URL, an embedded
/// server, which stops when the second value is dropped.
pub(crate) async fn instance() -> Result<(Client, Option<Sim>), Box<dyn std::error::Error>> {
    if let Ok(url) = std::env::var("ESPO_URL") {
        let crm = Client::builder(url).auth(Auth::from_env()?).build()?;
        return Ok((crm, None));
    }
    let sim = Sim::start().await?;
    Ok((
        Client::builder(sim.url())
            .auth(Auth::api_key(sim.api_key()))
            .build()?,
        Some(sim),
    ))
}
