use espo_typed::prelude::*;

fn run() {
    let _ = Client::builder("https://crm.example.com").auth(Auth::hmac("key", "secret").second_factor("123456"));
}

fn main() {}
