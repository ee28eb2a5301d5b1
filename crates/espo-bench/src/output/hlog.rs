//! The HdrHistogram interval log, version 1.3 with V2 histograms: one line a second and operation, as
//! other tools read it.
//!
//! Tags are operation names; `.failed` follows for requests that did not succeed. Values are response
//! times in microseconds. A comment at the top says which run and which share of it this is.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer as _, V2DeflateSerializer};

use crate::error::{Error, Result};
use crate::record::IntervalSink;

/// Writes intervals to a file as they close; nothing is kept in memory.
pub(crate) struct HlogSink {
    file: BufWriter<File>,
    path: PathBuf,
    serializer: V2DeflateSerializer,
    /// The first failure to write; reported when the run is over rather than in its middle.
    failed: std::sync::Arc<parking_lot::Mutex<Option<Error>>>,
}

impl HlogSink {
    /// `about` goes into a comment line: it holds no line break.
    pub(crate) fn create(
        path: &Path,
        started: SystemTime,
        about: &str,
    ) -> Result<(Self, std::sync::Arc<parking_lot::Mutex<Option<Error>>>)> {
        let file = File::create(path).map_err(Error::io(path))?;
        let mut file = BufWriter::new(file);
        let since = started
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO)
            .as_secs_f64();
        let head = format!(
            "#[Histogram log format version 1.3]\n#[espo-bench {about}]\n#[StartTime: {since:.3} (seconds since epoch)]\n\
             \"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n"
        );
        file.write_all(head.as_bytes()).map_err(Error::io(path))?;
        let failed = std::sync::Arc::default();
        let sink = Self {
            file,
            path: path.to_owned(),
            serializer: V2DeflateSerializer::new(),
            failed: std::sync::Arc::clone(&failed),
        };
        Ok((sink, failed))
    }
}

impl IntervalSink for HlogSink {
    fn interval(&mut self, start: f64, length: f64, tag: &str, histogram: &Histogram<u64>) {
        let mut bytes = Vec::new();
        // Writing to memory fails for no histogram of our bounds.
        let serialized = self.serializer.serialize(histogram, &mut bytes);
        debug_assert!(serialized.is_ok());
        // The column is a convenience: other writers divide by a million too, to show milliseconds from nanoseconds.
        let max = histogram.max() as f64 / 1_000.0;
        let line = format!(
            "Tag={tag},{start:.3},{length:.3},{max:.3},{}\n",
            BASE64.encode(&bytes)
        );
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            self.failed
                .lock()
                .get_or_insert(Error::io(&self.path)(error));
        }
    }
}

impl Drop for HlogSink {
    fn drop(&mut self) {
        if let Err(error) = self.file.flush() {
            self.failed
                .lock()
                .get_or_insert(Error::io(&self.path)(error));
        }
    }
}
