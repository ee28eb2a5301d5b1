use espo_typed::prelude::*;

#[derive(Projection)]
#[espo(entity = Account)]
struct Card {
    name: Option<String>,
    is_followed: Option<bool>,
}

fn f(crm: &Client) {
    // A read by ID carries the attribute.
    let _ = crm.records::<Account>().read_as::<Card>(Id::new("a"));
    let _ = crm.list::<Account>().project::<Card>();
}

fn main() {}
