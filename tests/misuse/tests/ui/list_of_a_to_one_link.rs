use espo_typed::prelude::*;

async fn run(crm: Client) -> Result<(), Error> {
    crm.record::<Opportunity>(Id::new("o1")).account().list().await?;
    Ok(())
}

fn main() {}
