use espo_typed::prelude::*;

async fn run(crm: Client) -> Result<(), Error> {
    crm.list::<Account>().order_by(account::TEAMS_IDS.asc()).await?;
    crm.list::<Account>().order_by(account::ASSIGNED_USER_ID.desc()).await?;
    Ok(())
}

fn main() {}
