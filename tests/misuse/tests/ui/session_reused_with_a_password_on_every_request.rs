use espo_typed::prelude::*;

fn run() {
    let auth = Auth::password("admin", "secret").on_every_request();
    let _ = Client::builder("https://crm.example.com").auth(auth.reuse(None));
}

fn main() {}
