//! CSV columns as data for created records.

use std::ops::Range;
use std::path::Path;

use super::file::CsvFile;
use crate::data::CsvColumns;
use crate::units::csv_problem;

/// Reads the columns that `part` maps to attributes (`attribute = "column header"`), from the directory `folder`.
///
/// # Errors
///
/// Returns the problem and its location in the workload file.
pub(super) fn read(folder: &Path, part: &CsvFile) -> Result<CsvColumns, (Range<usize>, String)> {
    let path = folder.join(part.file.get_ref());
    let shown = path.display();
    let broken = |e: csv::Error| (part.file.span(), format!("{shown}: {}", csv_problem(&e)));
    let unread = |e: std::io::Error| (part.file.span(), format!("cannot read {shown}: {e}"));
    let mut reader = csv::Reader::from_reader(std::fs::File::open(&path).map_err(unread)?);
    let headers = reader.headers().map_err(broken)?.clone();
    let mut columns = Vec::new();
    for (attribute, header) in &part.columns {
        let Some(index) = headers.iter().position(|h| h == header.get_ref()) else {
            let near = super::near(header.get_ref(), headers.iter());
            let message = format!("{shown} has no column '{}'{near}", header.get_ref());
            return Err((header.span(), message));
        };
        columns.push((attribute.clone(), index));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(broken)?;
        rows.push(
            columns
                .iter()
                .map(|(_, i)| record.get(*i).unwrap_or("").to_owned())
                .collect(),
        );
    }
    if rows.is_empty() {
        return Err((part.file.span(), format!("{shown} has no rows")));
    }
    Ok(CsvColumns {
        places: columns.iter().map(|(a, _)| a.span()).collect(),
        attributes: columns.into_iter().map(|(a, _)| a.into_inner()).collect(),
        rows,
        entity_place: part.entity.span(),
        file: part.file.get_ref().clone(),
        path,
    })
}
