use espo_typed::prelude::*;

fn main() {
    let _ = contact::NAME.is_in(["Ann Lee"]);
}
