use espo_typed::prelude::*;

#[derive(Projection)]
struct Card {
    name: String,
}

fn main() {}
