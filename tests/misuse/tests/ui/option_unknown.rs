use espo_typed::opportunity::{self, Stage};

fn main() {
    let _ = opportunity::STAGE.eq(Stage::ClosedWonn);
}
