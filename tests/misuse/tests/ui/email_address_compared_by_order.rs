use espo_typed::prelude::*;

fn main() {
    let _ = contact::EMAIL_ADDRESS.gt("a@example.com");
}
