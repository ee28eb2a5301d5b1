//! Reading, writing, linking and deleting records.

pub(crate) mod address_book;
mod addresses;
mod contacts;
pub(crate) mod create;
pub(crate) mod created;
mod dates;
pub(crate) mod duplicates;
pub(crate) mod hooks;
pub(crate) mod input;
pub(crate) mod links;
mod logic;
mod patterns;
pub(crate) mod plain;
pub(crate) mod read;
pub(crate) mod references;
pub(crate) mod rules;
pub(crate) mod select;
pub(crate) mod update;
pub(crate) mod validate;
