use espo_typed::prelude::*;

fn main() {
    let _ = task::IS_OVERDUE.is_true();
}
