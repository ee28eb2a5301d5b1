use espo_typed::prelude::*;

fn main() {
    let _ = ContactPatch::new().clear(contact::DO_NOT_CALL);
}
