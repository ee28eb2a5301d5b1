use espo_typed::prelude::*;

fn main() {
    let _ = account::BILLING_ADDRESS_CTY.eq("Kyiv");
}
