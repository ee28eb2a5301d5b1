use espo_typed::prelude::*;

async fn run(crm: Client) -> Result<(), Error> {
    let contact: Id<Contact> = Id::new("c1");
    crm.record::<Account>(Id::new("a1")).opportunities().link(&contact).await?;
    Ok(())
}

fn main() {}
