use espo_typed::prelude::*;

async fn run(crm: Client) -> Result<(), Error> {
    crm.list::<Account>().order_by(account::links::CONTACTS.asc()).await?;
    Ok(())
}

fn main() {}
