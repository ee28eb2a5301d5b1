use espo_typed::prelude::*;

fn run() {
    let _ = Client::builder("https://crm.example.com").auth(Auth::api_key("key").acting_as("reguser"));
}

fn main() {}
