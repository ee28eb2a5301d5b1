use espo_typed::prelude::*;

struct Card {
    name: String,
}

async fn run(crm: Client) -> Result<(), Error> {
    crm.list::<Account>().project::<Card>().await?;
    Ok(())
}

fn main() {}
