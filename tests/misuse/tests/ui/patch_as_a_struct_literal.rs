use espo_typed::prelude::*;

fn main() {
    let _ = AccountPatch {
        website: Some("https://acme.example".to_owned()),
        ..Default::default()
    };
}
