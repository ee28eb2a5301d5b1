//! The first query: create, link, filter, change, with a user-defined struct.
//!
//! `cargo run -p espo-typed --example first_query`

mod common;

use espo_typed::opportunity::Stage;
use espo_typed::prelude::*;

#[derive(Projection)]
#[espo(entity = Opportunity)]
struct Deal {
    id: Id<Opportunity>,
    name: String,
    amount: Option<Decimal>,
    account_name: Option<String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (crm, _sim) = common::instance().await?;

    let acme = crm
        .create(AccountNew::new("Acme").website("https://acme.example"))
        .skip_duplicate_check()
        .await?;
    let acme = acme.id();
    let deal = OpportunityNew::new(OpportunityRequired {
        name: "A deal".into(),
        amount: 10_000.into(),
        close_date: date(2030, 1, 31),
    })
    .account_id(acme)
    .stage(Stage::Prospecting);
    crm.create(deal).await?;

    let open = crm
        .list::<Opportunity>()
        .filter(
            opportunity::ACCOUNT_ID.eq(acme)
                & opportunity::STAGE.is_not_in([Stage::ClosedWon, Stage::ClosedLost]),
        )
        .order_by(opportunity::AMOUNT.desc())
        .project::<Deal>()
        .collect()
        .await?;
    for deal in &open {
        let (amount, account) = (
            deal.amount.unwrap_or_default(),
            deal.account_name.as_deref().unwrap_or("nobody"),
        );
        println!("{}: {amount} from {account}", deal.name);
        crm.update(&deal.id, OpportunityPatch::new().stage(Stage::ClosedWon))
            .await?;
    }
    println!("{} deals won", open.len());
    Ok(())
}
