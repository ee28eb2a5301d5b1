//! Records made from the metadata so that the server accepts them.
//!
//! A [`Template`] is compiled once for an operation: which attributes are sent and how each value is made.
//! Rendering it draws from the iteration's random numbers only, so equal seeds give equal records.

mod template;
mod value;
mod words;

pub(crate) use template::{Marker, Template};
pub(crate) use value::Sources;

/// Makes the bytes of an upload: text, so that type checks on content find what the name promises.
pub(crate) fn upload_text(rng: &mut impl rand::Rng, size: u64) -> String {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let mut out = String::with_capacity(size.saturating_add(16));
    while out.len() < size {
        out.push_str(words::word(rng));
        out.push(' ');
    }
    out.truncate(size);
    out
}

#[cfg(test)]
mod tests;
