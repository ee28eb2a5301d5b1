use espo_typed::prelude::*;

fn f(crm: &Client) {
    let _ = crm.list::<Account>().select([account::IS_FOLLOWED]);
}

fn main() {}
