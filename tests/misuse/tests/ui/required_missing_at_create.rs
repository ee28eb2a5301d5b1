use espo_typed::prelude::*;

fn main() {
    let _ = OpportunityNew::new("A deal");
    let _ = OpportunityNew::new(OpportunityRequired {
        name: "A deal".into(),
    });
}
