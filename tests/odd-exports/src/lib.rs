//! Code generated from exports that are hostile, filtered, or of older versions: it compiles without a warning, and the
//! tests run it against the embedded server.

/// Names and options that are difficult for a generator.
#[rustfmt::skip]
pub mod hostile {
    include!(concat!(env!("OUT_DIR"), "/hostile/mod.rs"));
}

/// Code generated from an export of EspoCRM 8.4: no decimals, fields without a type, old keys of the default order.
#[rustfmt::skip]
pub mod v8_4 {
    include!(concat!(env!("OUT_DIR"), "/v8_4/mod.rs"));
}

/// Code generated from an export of EspoCRM 9.2: no decimals, no currency records.
#[rustfmt::skip]
pub mod v9_2 {
    include!(concat!(env!("OUT_DIR"), "/v9_2/mod.rs"));
}

/// Code generated from the export of an API user with few permissions: entity types, links and parent types are
/// missing.
#[rustfmt::skip]
pub mod api_user {
    include!(concat!(env!("OUT_DIR"), "/api_user/mod.rs"));
}

pub mod fixtures;

/// Code generated from [`fixtures`]: a module for each.
#[rustfmt::skip]
pub mod layers {
    include!(concat!(env!("OUT_DIR"), "/layers.rs"));
}
