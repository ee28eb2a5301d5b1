//! Checks at startup whether the instance still matches the generated code.
//!
//! `cargo run -p espo-typed --example schema_check`

mod common;

use espo_typed::espo_core::typed::ExpectedEntity;
use espo_typed::prelude::*;

/// The entity types that this program uses. `espo_typed::EXPECTED_SCHEMA` contains all entity types, some of which an
/// API user may not see.
const USED: &[ExpectedEntity] = &[
    ExpectedEntity::of::<Account>(),
    ExpectedEntity::of::<Contact>(),
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (crm, _sim) = common::instance().await?;
    println!("EspoCRM {}", crm.app().about().await?.version);
    let differences = crm.check_schema(USED).await?;
    for difference in &differences {
        println!("{difference}");
    }
    println!("{} differences", differences.len());
    Ok(())
}
