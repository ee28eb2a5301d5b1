use espo_typed::prelude::*;

async fn run(crm: Client) -> Result<(), Error> {
    crm.list::<Account>().primary_filter(opportunity::primary_filters::OPEN).await?;
    Ok(())
}

fn main() {}
