use espo_typed::prelude::*;

fn main() {
    let _ = AccountPatch::new().clear(account::NAME);
}
