//! Records generated from the metadata so that the server accepts them.
//!
//! A [`Template`] is compiled once per operation and defines which attributes are sent and how each value is generated.
//! Rendering it uses only the iteration's random numbers, so the same seed gives the same records.

mod csv_columns;
mod template;
mod value;
mod words;

pub(crate) use csv_columns::CsvColumns;
pub(crate) use template::{Marker, Template};
pub(crate) use value::Sources;

/// Returns the bytes of an upload: text, so that the content matches the type that the file name implies.
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
