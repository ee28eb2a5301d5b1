use espo_typed::prelude::*;

fn main() {
    let _ = LeadPatch::new().clear(lead::OPPORTUNITY_AMOUNT_CURRENCY);
}
