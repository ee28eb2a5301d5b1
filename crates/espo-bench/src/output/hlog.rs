//! The HdrHistogram interval log, version 1.3 with V2 histograms, for other tools: one line per second and operation.
//!
//! Tags are operation names, followed by `.failed` for requests that did not succeed. Values are response times in
//! microseconds. A comment at the top identifies the run and the shard.

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

/// Writes each interval to a file when it ends and keeps nothing in memory.
pub(crate) struct HlogSink {
    file: BufWriter<File>,
    path: PathBuf,
    serializer: V2DeflateSerializer,
    /// The first write error, which is reported after the run, so that it does not interrupt the run.
    failed: std::sync::Arc<parking_lot::Mutex<Option<Error>>>,
}

impl HlogSink {
    /// Creates the file. `about` is written to a comment line and must not contain line breaks.
    pub(crate) fn create(
        path: &Path,
        started: SystemTime,
        about: &str,
    ) -> Result<(Self, std::sync::Arc<parking_lot::Mutex<Option<Error>>>)> {
        let file = File::create(path).map_err(Error::writing(path))?;
        let mut file = BufWriter::new(file);
        let since = started
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO)
            .as_secs_f64();
        let head = format!(
            "#[Histogram log format version 1.3]\n#[espo-bench {about}]\n#[StartTime: {since:.3} (seconds since epoch)]\n\
             \"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n"
        );
        file.write_all(head.as_bytes())
            .map_err(Error::writing(path))?;
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
        // Writing a histogram with these bounds to memory cannot fail.
        let serialized = self.serializer.serialize(histogram, &mut bytes);
        debug_assert!(serialized.is_ok());
        // The column is informative. Other writers also divide by a million, to convert nanoseconds to milliseconds.
        let max = histogram.max() as f64 / 1_000.0;
        let line = format!(
            "Tag={tag},{start:.3},{length:.3},{max:.3},{}\n",
            BASE64.encode(&bytes)
        );
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            self.failed
                .lock()
                .get_or_insert(Error::writing(&self.path)(error));
        }
    }
}

impl Drop for HlogSink {
    fn drop(&mut self) {
        if let Err(error) = self.file.flush() {
            self.failed
                .lock()
                .get_or_insert(Error::writing(&self.path)(error));
        }
    }
}
