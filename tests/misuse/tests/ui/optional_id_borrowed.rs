use espo_typed::prelude::*;

async fn run(crm: Client, deal: Id<Opportunity>) -> Result<(), Error> {
    let deal = crm.read(&deal).await?;
    crm.record::<Account>(&deal.account_id).contacts().list().await?;
    Ok(())
}

fn main() {}
