use espo_typed::prelude::*;

fn main() {
    let _ = opportunity::AMOUNT_CONVERTED.is_in([1]);
}
