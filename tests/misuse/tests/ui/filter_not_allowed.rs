use espo_typed::prelude::*;

fn main() {
    let _ = account::IS_FOLLOWED.eq(true);
}
