use espo_typed::prelude::*;

async fn run(crm: Client) -> Result<(), Error> {
    crm.record::<Account>(Id::new("a1")).oportunities().list().await?;
    Ok(())
}

fn main() {}
