use espo_typed::prelude::*;

fn main() {
    let _ = OpportunityPatch::new().set(opportunity::CLOSE_DATE, "2026-01-01");
    let _ = OpportunityPatch::new().probability("50");
}
