use espo_typed::prelude::*;

async fn run(crm: Client) -> Result<(), Error> {
    crm.list::<String>().await?;
    Ok(())
}

fn main() {}
