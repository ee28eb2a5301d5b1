use espo_typed::prelude::*;

fn main() {
    let _ = opportunity::CLOSE_DATE.contains("2026");
    let _ = account::NAME.current_quarter();
    let _ = account::NAME.is_true();
    let _ = account::NAME.any_of(&["Acme".to_owned()]);
    let _ = contact::DO_NOT_CALL.gt(true);
}
