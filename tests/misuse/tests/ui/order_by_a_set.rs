use espo_typed::prelude::*;

fn main() {
    let _ = account::TEAMS_IDS.asc();
}
