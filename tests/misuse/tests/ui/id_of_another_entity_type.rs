use espo_typed::prelude::*;

async fn run(crm: Client) -> Result<(), Error> {
    let contact: Id<Contact> = Id::new("c1");
    crm.read::<Account>(&contact).await?;
    Ok(())
}

fn main() {}
