use espo_typed::prelude::*;

async fn run(crm: Client) -> Result<(), Error> {
    crm.list::<Account>().select((account::NAME, contact::FIRST_NAME)).await?;
    Ok(())
}

fn main() {}
