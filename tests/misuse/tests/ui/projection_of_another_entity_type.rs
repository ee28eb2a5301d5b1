use espo_typed::prelude::*;

#[derive(Projection)]
#[espo(entity = Account)]
struct Card {
    name: String,
}

async fn run(crm: Client) -> Result<(), Error> {
    crm.list::<Contact>().project::<Card>().await?;
    Ok(())
}

fn main() {}
