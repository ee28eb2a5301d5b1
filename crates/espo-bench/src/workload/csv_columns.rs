//! Columns of a CSV file as data for created records.

use std::path::Path;

use super::file::CsvFile;
use super::model::CsvColumns;

/// Reads the columns that `part` maps to attributes (`attribute = "column header"`), from `folder`.
pub(super) fn read(folder: &Path, part: &CsvFile) -> Result<CsvColumns, String> {
    let path = folder.join(&part.file);
    let shown = path.display();
    let mut reader = csv::Reader::from_path(&path).map_err(|e| format!("{shown}: {e}"))?;
    let headers = reader
        .headers()
        .map_err(|e| format!("{shown}: {e}"))?
        .clone();
    let mut columns = Vec::new();
    for (attribute, header) in &part.columns {
        let Some(index) = headers.iter().position(|h| h == header.get_ref()) else {
            let near = super::near(header.get_ref(), headers.iter());
            return Err(format!(
                "{shown} has no column '{}'{near}",
                header.get_ref()
            ));
        };
        columns.push((attribute.get_ref().clone(), index));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| format!("{shown}: {e}"))?;
        rows.push(
            columns
                .iter()
                .map(|(_, i)| record.get(*i).unwrap_or("").to_owned())
                .collect(),
        );
    }
    if rows.is_empty() {
        return Err(format!("{shown} has no rows"));
    }
    Ok(CsvColumns {
        attributes: columns.into_iter().map(|(a, _)| a).collect(),
        rows,
    })
}
