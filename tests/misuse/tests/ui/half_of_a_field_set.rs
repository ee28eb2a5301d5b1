use espo_typed::prelude::*;

fn main() {
    let _ = TaskPatch::new().set(task::PARENT_TYPE, "Account");
}
