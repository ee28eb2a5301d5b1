use espo_typed::prelude::*;

async fn run(crm: Client) -> Result<(), Error> {
    crm.record::<Account>(Id::new("a1")).contacts().read().await?;
    Ok(())
}

fn main() {}
