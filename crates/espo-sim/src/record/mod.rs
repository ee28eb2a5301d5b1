//! Records: how they are shown, written, linked and removed.

pub(crate) mod create;
pub(crate) mod duplicates;
pub(crate) mod hooks;
pub(crate) mod input;
pub(crate) mod links;
pub(crate) mod read;
pub(crate) mod special;
pub(crate) mod update;
pub(crate) mod validate;
pub(crate) mod view;
