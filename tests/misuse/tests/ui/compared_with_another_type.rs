use espo_typed::prelude::*;

fn main() {
    let _ = opportunity::AMOUNT.gt("10000");
    let _ = opportunity::AMOUNT.gt(0.1);
    let _ = account::NAME.eq(5);
    let _ = opportunity::STAGE.eq("Closed Won");
    let _ = account::INDUSTRY.eq(opportunity::Stage::ClosedWon);
}
