use espo_typed::prelude::*;

async fn run(crm: Client, account: Id<Account>) -> Result<(), Error> {
    crm.record(&account).contacts().link("64f1c2d3e4b5a6978").await?;
    Ok(())
}

fn main() {}
