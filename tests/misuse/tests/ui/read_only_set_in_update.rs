use espo_typed::prelude::*;

fn main() {
    let _ = AccountPatch::new().set(account::CREATED_AT, Timestamp::now());
    let _ = AccountPatch::new().clear(account::CREATED_BY_ID);
}
