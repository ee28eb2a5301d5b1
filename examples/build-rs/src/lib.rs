//! A typed SDK made by `build.rs`: no generated file is checked in.
//!
//! The custom entity type `CEverything` has a field of each type that EspoCRM knows.
//!
//! ```no_run
//! use espo_build_rs_example::crm::{CEverything, c_everything};
//! use espo_core::prelude::*;
//!
//! # async fn run() -> Result<(), Error> {
//! let crm = Client::builder("https://crm.example.com").auth(Auth::api_key("the API key")).build()?;
//! let work = crm.list::<CEverything>().filter(c_everything::AN_ENUM.eq(c_everything::AnEnum::InWork)).await?;
//! println!("{} records", work.list.len());
//! # Ok(())
//! # }
//! ```

/// The generated entity types.
#[rustfmt::skip]
pub mod crm {
    include!(concat!(env!("OUT_DIR"), "/crm/mod.rs"));
}
