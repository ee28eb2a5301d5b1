use espo_typed::prelude::*;

async fn run(crm: Client) -> Result<(), Error> {
    crm.list::<Opportunity>().primary_filter("opne").await?;
    Ok(())
}

fn main() {}
