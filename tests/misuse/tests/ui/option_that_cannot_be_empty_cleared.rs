use espo_typed::prelude::*;

fn main() {
    let _ = LeadPatch::new().clear(lead::STATUS);
}
