//! Locations in a workload file, for messages.

use std::ops::Range;

use toml::Spanned;

use super::at;
use crate::error::{Error, Result};

/// The content of a file and its name.
pub(super) struct Source<'a> {
    pub(super) origin: &'a str,
    pub(super) text: &'a str,
}

impl Source<'_> {
    pub(super) fn error(&self, span: Range<usize>, message: impl AsRef<str>) -> Error {
        at(self.origin, self.text, span, message.as_ref())
    }
}

/// Rejects 0.
pub(super) fn positive(source: &Source<'_>, value: Spanned<u32>) -> Result<u32> {
    match *value.get_ref() {
        0 => Err(source.error(value.span(), "must be at least 1")),
        n => Ok(n),
    }
}

/// Checks a name. Names are used in SLOs (`list.p99`) and as tags in histogram logs, where ',' and spaces are special.
pub(super) fn name(source: &Source<'_>, name: &Spanned<String>) -> Result<String> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "_:-/".contains(c);
    if !name.get_ref().is_empty()
        && name.get_ref().chars().all(fine)
        && name.get_ref() != "all"
        && name.get_ref() != "errors"
    {
        Ok(name.get_ref().clone())
    } else {
        Err(source.error(
            name.span(),
            "invalid name: expected letters, digits, '_', ':', '/' and '-', and neither 'all' nor 'errors'",
        ))
    }
}
