use espo_typed::prelude::*;

fn main() {
    let team: Id<Team> = Id::new("t1");
    let _ = TaskPatch::new().parent(&team);
}
