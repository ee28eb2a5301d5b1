use espo_typed::prelude::*;

async fn run(crm: Client, deal: Id<Opportunity>) -> Result<(), Error> {
    let deal = crm.read(&deal).await?;
    crm.read::<Account>(deal.account_id).await?;
    Ok(())
}

fn main() {}
