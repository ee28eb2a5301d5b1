use espo_typed::prelude::*;

async fn run(crm: Client) -> Result<(), Error> {
    crm.list::<Account>().filter(contact::FIRST_NAME.eq("Ann")).await?;
    Ok(())
}

fn main() {}
