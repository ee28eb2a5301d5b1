use espo_typed::prelude::*;

fn run() {
    let _ = Client::builder("https://crm.example.com").auth(Auth::hmac("key", "secret").acting_as("reguser"));
}

fn main() {}
