//! A nightly sync: reads every record exactly once while other clients write, and stores a bookmark for the next run.
//!
//! `cargo run -p espo-typed --example nightly_sync`

mod common;

use espo_typed::prelude::*;

#[derive(Projection)]
#[espo(entity = Contact)]
struct Row {
    id: Id<Contact>,
    name: Option<String>,
    email_address: Option<String>,
    modified_at: Timestamp,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (crm, _sim) = common::instance().await?;
    for number in 0..7 {
        let new = ContactNew::new(format!("Person {number}"))
            .email_address(format!("person{number}@example.com"));
        crm.create(new).skip_duplicate_check().await?;
    }

    // Pages by key, oldest change first: a page begins after the last record of the previous one instead of at an
    // offset, which would shift while other clients write. The next run continues at the time of the last record.
    let since: Timestamp = "2020-01-01T00:00:00Z".parse()?;
    let mut reached = since;
    let mut count = 0;
    let mut pages = crm
        .list::<Contact>()
        .filter(contact::MODIFIED_AT.ge(since))
        .project::<Row>()
        .max_size(3)
        .order_by(contact::MODIFIED_AT.asc())
        .pages();
    while let Some(page) = pages.try_next().await? {
        for rejected in &page.rejected {
            eprintln!("not copied: {rejected}");
        }
        for row in &page.records {
            println!("{} {:?} {:?}", row.id, row.name, row.email_address);
            reached = reached.max(row.modified_at);
        }
        count += page.records.len();
    }
    println!("{count} contacts synced, up to {reached}");
    Ok(())
}
