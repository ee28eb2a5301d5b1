//! Converts a lead into an account and a contact, and handles the case that they already exist.
//!
//! `cargo run -p espo-typed --example lead_conversion`

mod common;

use espo_typed::espo_core::actions::Conversion;
use espo_typed::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (crm, _sim) = common::instance().await?;
    let company = format!("Leadco {}", Timestamp::now());
    for email in ["ada@leadco.example", "alan@leadco.example"] {
        let lead = LeadNew::new()
            .last_name("Adder")
            .account_name(&company)
            .email_address(email);
        let lead = crm.create(lead).skip_duplicate_check().await?;
        let lead = &lead.id;

        let conversion = Conversion::new()
            .create(AccountNew::new(&company))
            .create(ContactNew::new("Adder").email_address(email));
        let converted = match crm.record(lead).convert(conversion.clone()).await {
            Err(error) if error.is_duplicate() => {
                println!("the company exists already");
                // Create only the contact; it belongs to the existing account.
                let known = crm
                    .list::<Account>()
                    .filter(account::NAME.eq(company.as_str()))
                    .first()
                    .await?
                    .ok_or("the server found a duplicate")?;
                let known = &known.id;
                let contact = ContactNew::new("Adder")
                    .email_address(email)
                    .account_id(known);
                let conversion = Conversion::new().create(contact).skip_duplicate_check();
                crm.record(lead).convert(conversion).await?
            }
            other => other?,
        };
        println!("converted: {:?}", converted.status);
    }
    Ok(())
}
