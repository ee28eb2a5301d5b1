use espo_typed::prelude::*;

fn main() {
    let _ = NotePatch::new().is_internal(true);
    let _ = NotePatch::new().set(note::IS_INTERNAL, true);
}
