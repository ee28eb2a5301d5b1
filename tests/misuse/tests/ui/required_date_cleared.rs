use espo_typed::prelude::*;

async fn run(crm: Client, meeting: Id<Meeting>) -> Result<(), Error> {
    crm.update(&meeting, MeetingPatch::new().clear_date_start()).await?;
    Ok(())
}

fn main() {}
