use espo_typed::prelude::*;

async fn run(crm: Client) -> Result<(), Error> {
    crm.record::<Portal>(Id::new("p1")).follow().await?;
    Ok(())
}

fn main() {}
