use espo_typed::prelude::*;

fn run() {
    let _ = Client::builder("https://crm.example.com").auth(Auth::basic("admin", "secret").with_token_secret());
}

fn main() {}
