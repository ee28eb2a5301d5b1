//! Exports a report to CSV and reads it.
//!
//! `cargo run -p espo-typed --example report_export`

mod common;

use espo_typed::espo_core::actions::ExportFormat;
use espo_typed::espo_core::actions::Selection;
use espo_typed::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (crm, _sim) = common::instance().await?;
    let quarter = format!("report {}", Timestamp::now());
    let mut created = Vec::new();
    for (name, amount) in [("First deal", 1_000), ("Second deal", 2_500)] {
        let deal = OpportunityNew::new(OpportunityRequired {
            name: name.into(),
            amount: amount.into(),
            close_date: date(2030, 1, 31),
        })
        .description(&quarter);
        let deal = crm.create(deal).skip_duplicate_check().await?;
        created.push(deal.id.clone());
    }

    let deals = crm.records::<Opportunity>();
    let report = Selection::list(
        crm.list::<Opportunity>()
            .filter(opportunity::DESCRIPTION.eq(quarter.as_str()))
            .order_by(opportunity::AMOUNT.desc()),
    );
    let file = deals
        .export(report)
        .format(ExportFormat::Csv)
        .attributes((opportunity::NAME, opportunity::AMOUNT))
        .run()
        .await?;
    let mut csv = Vec::new();
    let download = crm.record(&file).download().await?;
    download.write_to(&mut csv).await?;
    let csv = String::from_utf8(csv)?;
    println!("{} rows below the header", csv.lines().count() - 1);

    deals.mass(Selection::ids(&created)).delete().await?;
    Ok(())
}
