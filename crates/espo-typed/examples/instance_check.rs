//! Checks an instance before a release of your program: its metadata, and one page of every entity type.
//!
//! `ESPO_URL=… ESPO_API_KEY=… cargo run -p espo-typed --example instance_check`
//!
//! Reports rows that cannot be decoded, and attributes that are unknown to the generated code. The same program
//! works with your own generated crate.

mod common;

use std::collections::BTreeSet;

use espo_typed::espo_core::http::Method;
use espo_typed::espo_core::typed::ExpectedEntity;
use espo_typed::prelude::*;

/// The attributes in the rows of a list that are unknown to the generated code.
fn unknown(list: &JsonObject, expected: &ExpectedEntity) -> BTreeSet<String> {
    let known: BTreeSet<&str> = expected.attributes.iter().map(|a| a.name).collect();
    let rows = list.get("list").and_then(|rows| rows.as_array());
    rows.into_iter()
        .flatten()
        .filter_map(|row| row.as_object())
        .flat_map(|row| row.keys())
        .filter(|name| !known.contains(name.as_str()))
        .cloned()
        .collect()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (crm, _sim) = common::instance().await?;
    println!("EspoCRM {}", crm.app().about().await?.version);
    let differences = crm.check_schema(EXPECTED_SCHEMA).await?;
    for difference in &differences {
        println!("{difference}");
    }
    let (mut lists, mut rows, mut failed, mut faults) = (0, 0, 0, 0);
    for expected in EXPECTED_SCHEMA {
        let response = match crm.request(Method::GET, expected.entity_type).send().await {
            Ok(response) => response,
            // Some entity types have no lists, and others may be hidden from this user.
            Err(error) if error.is_forbidden() || error.is_not_found() => continue,
            // Servers return 500 for `Target`, which has no table.
            Err(error) => {
                println!("{error}");
                failed += 1;
                continue;
            }
        };
        let list: JsonObject = response.json()?;
        let Some(found) = list.get("list").and_then(|rows| rows.as_array()) else {
            // `Settings` is a single object.
            continue;
        };
        lists += 1;
        rows += found.len();
        if let Err(reason) = (expected.check_page)(response.text()?) {
            println!("{reason}");
            faults += 1;
        }
        for attribute in unknown(&list, expected) {
            println!("{}.{attribute} is unknown", expected.entity_type);
            faults += 1;
        }
    }
    println!(
        "{} differences; {rows} rows in {lists} lists, {failed} lists failed, {faults} faults",
        differences.len()
    );
    Ok(())
}
