use espo_typed::prelude::*;

fn main() {
    let _ = contact::NAME.between("A", "B");
}
