use espo_typed::prelude::*;

async fn run(crm: Client) -> Result<(), Error> {
    crm.read::<Account>("64f1c2d3e4b5a6978").await?;
    Ok(())
}

fn main() {}
