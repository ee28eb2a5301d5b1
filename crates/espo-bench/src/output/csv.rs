//! CSV with one row per operation and outcome, for spreadsheets.

use crate::report::Report;

/// Returns the report as CSV. Times are in microseconds, decoding times in nanoseconds, rates per second.
#[must_use]
pub fn csv(report: &Report) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = [
        "operation",
        "kind",
        "entity",
        "outcome",
        "count",
        "rate",
        "bytes_in",
        "bytes_out",
        "service_p50_us",
        "service_p90_us",
        "service_p95_us",
        "service_p99_us",
        "service_p999_us",
        "service_max_us",
        "response_p50_us",
        "response_p90_us",
        "response_p95_us",
        "response_p99_us",
        "response_p999_us",
        "response_max_us",
        "decode_p50_ns",
        "decode_p99_ns",
    ];
    let mut rows = vec![header.map(String::from).to_vec()];
    for operation in &report.operations {
        for o in &operation.outcomes {
            let mut row = vec![
                operation.name.clone(),
                operation.kind.clone(),
                operation.entity.clone(),
                o.outcome.as_str().into(),
            ];
            row.extend([
                o.count.to_string(),
                format!("{:.3}", o.rate),
                o.bytes_in.to_string(),
                o.bytes_out.to_string(),
            ]);
            for d in [&o.service, &o.response] {
                row.extend([d.p50, d.p90, d.p95, d.p99, d.p999, d.max].map(|v| v.to_string()));
            }
            let decode = o.decode_nanos.as_ref();
            row.push(decode.map_or(String::new(), |d| d.p50.to_string()));
            row.push(decode.map_or(String::new(), |d| d.p99.to_string()));
            rows.push(row);
        }
    }
    for row in rows {
        // The rows have the same length and are written to memory, so this cannot fail.
        let written = writer.write_record(&row);
        debug_assert!(written.is_ok());
    }
    writer
        .into_inner()
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .unwrap_or_default()
}
