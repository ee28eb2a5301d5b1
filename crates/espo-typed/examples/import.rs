//! An import that handles duplicates: if the server's duplicate check finds a record, that record is updated instead.
//!
//! `cargo run -p espo-typed --example import`

mod common;

use espo_typed::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (crm, _sim) = common::instance().await?;
    let rows = [
        ("Ann", "Lee", "ann@example.com", "Buyer"),
        ("Bob", "Ray", "bob@example.com", "Director"),
        ("Ann", "Lee", "ann@example.com", "Head of purchase"),
    ];
    let (mut created, mut updated) = (0, 0);
    for (first, last, email, about) in rows {
        let new = ContactNew::new(last)
            .first_name(first)
            .email_address(email)
            .description(about);
        match crm.create(new).await {
            Ok(_) => created += 1,
            // The error contains the records that this one would duplicate.
            Err(error) if error.is_duplicate() => {
                let known: Vec<Contact> = error.duplicates().unwrap_or_default();
                let id = known
                    .first()
                    .map(Record::id)
                    .ok_or("a duplicate has an id")?;
                crm.update(id, ContactPatch::new().description(about))
                    .await?;
                updated += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
    println!("{created} created, {updated} updated");

    // If a custom key identifies a record, one call is enough.
    for website in ["https://acme.example", "https://acme.example"] {
        let key = account::WEBSITE;
        let upserted = crm
            .upsert(key, AccountNew::new("Acme").website(website))
            .await?;
        println!(
            "{}",
            if upserted.is_created() {
                "created"
            } else {
                "updated"
            }
        );
    }
    Ok(())
}
