use espo_typed::prelude::*;

fn run() {
    let _ = Client::builder("https://crm.example.com").auth(Auth::password("admin", "secret").raw_digest());
}

fn main() {}
