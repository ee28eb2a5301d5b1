use espo_typed::prelude::*;

#[derive(Projection)]
#[espo(entity = Account)]
struct Card {
    id: Id<Account>,
    billing_address_cty: Option<String>,
    #[espo(attribute = "assignedUserNam")]
    owner: Option<String>,
}

fn main() {}
