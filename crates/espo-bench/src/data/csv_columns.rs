//! Columns of CSV files as values of generated records.

use std::ops::Range;
use std::path::PathBuf;

/// Columns of a CSV file for the attributes of an entity type.
#[derive(Debug)]
pub(crate) struct CsvColumns {
    pub(crate) attributes: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
    /// The file name in the workload, and its location.
    pub(crate) file: String,
    pub(crate) path: PathBuf,
    /// Locations of the entity type and the attributes in the workload.
    pub(crate) entity_place: Range<usize>,
    pub(crate) places: Vec<Range<usize>>,
}
