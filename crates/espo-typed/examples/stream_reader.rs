//! Reads the stream of a record: posts and changes.
//!
//! `cargo run -p espo-typed --example stream_reader`

mod common;

use espo_typed::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (crm, _sim) = common::instance().await?;
    let deal = OpportunityNew::new(OpportunityRequired {
        name: "A deal".into(),
        amount: 10_000.into(),
        close_date: date(2030, 1, 31),
    })
    .stage(opportunity::Stage::Prospecting);
    let deal = crm.create(deal).skip_duplicate_check().await?;
    let deal = &deal.id;
    crm.record(deal).post("The customer called").await?;
    crm.update(
        deal,
        OpportunityPatch::new().stage(opportunity::Stage::ClosedWon),
    )
    .await?;

    // Newest first, page by page; each note exactly once, even while other users post.
    let mut notes = crm.record(deal).stream().stream();
    while let Some(note) = notes.try_next().await? {
        match note.r#type {
            Some(note::Type::Post) => println!("post: {}", note.post.unwrap_or_default()),
            Some(note::Type::Update) => println!("update"),
            Some(note::Type::Create) => println!("created"),
            other => println!("{other:?}"),
        }
    }
    crm.delete(deal).await?;
    Ok(())
}
