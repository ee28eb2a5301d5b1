use espo_typed::prelude::*;

async fn run(crm: Client) -> Result<(), Error> {
    crm.create(AccountPatch::new().name("Acme")).await?;
    Ok(())
}

fn main() {}
