use espo_typed::prelude::*;

fn main() {
    let _ = contact::EMAIL_ADDRESS_IS_OPTED_OUT.is_null();
}
