use espo_typed::prelude::*;

fn main() {
    let _ = OpportunityNew::new("A deal");
}
