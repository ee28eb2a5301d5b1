//! Changes many records with one request.
//!
//! `cargo run -p espo-typed --example mass_update`

mod common;

use espo_typed::espo_core::actions::Selection;
use espo_typed::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (crm, _sim) = common::instance().await?;
    let campaign = format!("mass update {}", Timestamp::now());
    for number in 0..3 {
        let lead = LeadNew::new()
            .last_name(format!("Person {number}"))
            .description(&campaign);
        crm.create(lead).skip_duplicate_check().await?;
    }

    let leads = crm.records::<Lead>();
    let ours = || lead::DESCRIPTION.eq(campaign.as_str());
    let assigned = LeadPatch::new().status(lead::Status::InProcess);
    let result = leads
        .mass(Selection::matching([ours()]))
        .update(assigned)
        .await?;
    // The server silently skips records that the user may not change.
    println!("{} leads updated", result.count);

    let result = leads.mass(Selection::matching([ours()])).delete().await?;
    println!("{} leads deleted", result.count);
    Ok(())
}
