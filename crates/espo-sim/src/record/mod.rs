//! Records: how they are shown, written, linked and removed.

mod addresses;
pub(crate) mod create;
pub(crate) mod duplicates;
pub(crate) mod hooks;
pub(crate) mod input;
pub(crate) mod links;
mod patterns;
pub(crate) mod read;
pub(crate) mod select;
pub(crate) mod special;
pub(crate) mod update;
pub(crate) mod validate;
pub(crate) mod view;
