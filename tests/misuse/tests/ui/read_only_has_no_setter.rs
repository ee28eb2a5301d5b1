use espo_typed::prelude::*;

fn main() {
    let _ = AccountPatch::new().created_at(Timestamp::now());
}
