use espo_typed::prelude::*;

#[derive(Projection)]
#[espo(entity = Opportunity)]
struct Deal {
    name: String,
    amount: f64,
    account_id: Option<Id<Contact>>,
}

fn main() {}
