use espo_typed::prelude::*;

fn main() {
    let _ = account::TEAMS_IDS.is_null();
}
