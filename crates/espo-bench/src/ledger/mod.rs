//! The ledger of a run's records, so that they can be deleted even after the process was killed.
//!
//! The ledger is an append-only file of JSON lines. Before a create is sent, the run writes an intent: the entity type,
//! and the attribute and value that identify the record. The ID follows after the response, and a line for each deleted
//! record after the delete. Each line is a single `write` to a file opened for appending, so it survives any end of the
//! process. Only the owner can read the file, because markers contain generated field values.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The first line of a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Always 1.
    pub ledger: u32,
    /// ID of the run, part of every marker.
    pub run: String,
    /// URL of the instance with the records.
    pub url: String,
    /// Start of the run, RFC 3339.
    pub started: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "lowercase")]
enum Line {
    /// A create that is about to be sent: `n` numbers the intent, `e` is the entity type, `a` and `v` are the marker's
    /// attribute and value.
    Intent {
        n: u64,
        e: String,
        a: String,
        v: String,
    },
    /// Intent `n` became record `id`.
    Made { n: u64, id: String },
    /// Intent `n` created no record: it was rejected or not sent.
    Refused { n: u64 },
    /// Record `id` of type `e` was deleted.
    Gone { e: String, id: String },
}

/// An open ledger.
///
/// A line that cannot be written is kept in memory and written with the next one, so that the records of a run can be
/// deleted even if the file is removed or the disk is full.
#[derive(Debug)]
pub(crate) struct Ledger {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    /// Number of bytes of complete lines in the file.
    written: u64,
    /// Lines that are not in the file yet, oldest first.
    unwritten: VecDeque<String>,
    next: u64,
    created: u64,
    removed: u64,
}

impl State {
    /// Writes the lines that are not in the file yet, in order.
    fn flush(&mut self) -> std::io::Result<()> {
        while let Some(line) = self.unwritten.front() {
            if let Err(error) = self.file.write_all(line.as_bytes()) {
                // An incomplete line would corrupt the next one. Truncating a file needs no disk space.
                let _ = self.file.set_len(self.written);
                return Err(error);
            }
            self.written += line.len() as u64;
            self.unwritten.pop_front();
        }
        Ok(())
    }

    /// Returns the whole ledger: the file, read through the open handle because it may have been removed, and the lines
    /// in memory.
    fn text(&mut self) -> std::io::Result<String> {
        let mut text = String::new();
        self.file.seek(SeekFrom::Start(0))?;
        Read::by_ref(&mut self.file)
            .take(self.written)
            .read_to_string(&mut text)?;
        text.extend(self.unwritten.iter().map(String::as_str));
        Ok(text)
    }
}

/// A record that may have to be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// The entity type.
    pub entity: String,
    /// The ID, if the server returned it.
    pub id: Option<String>,
    /// The marker's attribute and value, if the ID is unknown.
    pub marker: Option<(String, String)>,
}

impl Ledger {
    /// Creates the file; an existing file is never overwritten.
    pub(crate) fn create(path: &Path, head: &Head) -> Result<Self> {
        let opened = new_file().read(true).append(true).open(path);
        let file = opened.map_err(|error| cannot_create(path, &error))?;
        // Shows a cleanup that the run is active. The system releases the lock when the process ends, in any way; on a
        // file system without locks there is none.
        let _ = file.try_lock();
        let mut line = serde_json::to_string(head).unwrap_or_default();
        line.push('\n');
        let mut state = State {
            file,
            written: 0,
            unwritten: VecDeque::from([line]),
            next: 0,
            created: 0,
            removed: 0,
        };
        if let Err(error) = state.flush() {
            // A ledger without a head cannot be read.
            let _ = std::fs::remove_file(path);
            return Err(cannot_create(path, &error));
        }
        Ok(Self {
            path: path.to_owned(),
            state: Mutex::new(state),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Records that a create is about to be sent. If this fails, the create must not be sent.
    pub(crate) fn intent(&self, entity: &str, attribute: &str, value: &str) -> Result<u64> {
        let mut state = self.state.lock();
        let n = state.next;
        state.next += 1;
        let line = Line::Intent {
            n,
            e: entity.into(),
            a: attribute.into(),
            v: value.into(),
        };
        let noted = self.append(&mut state, &line);
        if noted.is_err() {
            // The create is not sent, so there is no record to search for.
            let _ = self.append(&mut state, &Line::Refused { n });
        }
        noted.map(|()| n)
    }

    /// Records the result of an intent: the ID, or none if it was certainly not carried out. An intent with an unknown
    /// result remains open, and `clean` searches for its record.
    pub(crate) fn settle(&self, n: u64, id: Option<&str>) -> Result<()> {
        let mut state = self.state.lock();
        let line = match id {
            Some(id) => Line::Made { n, id: id.into() },
            None => Line::Refused { n },
        };
        state.created += u64::from(id.is_some());
        self.append(&mut state, &line)
    }

    /// Records that a record was deleted.
    pub(crate) fn gone(&self, entity: &str, id: &str) -> Result<()> {
        let mut state = self.state.lock();
        let line = Line::Gone {
            e: entity.into(),
            id: id.into(),
        };
        state.removed += 1;
        self.append(&mut state, &line)
    }

    fn append(&self, state: &mut State, line: &Line) -> Result<()> {
        let mut text = serde_json::to_string(line).unwrap_or_default();
        text.push('\n');
        state.unwritten.push_back(text);
        state.flush().map_err(writing(&self.path))
    }

    /// Returns the numbers of records created and deleted so far.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let state = self.state.lock();
        (state.created, state.removed)
    }

    /// Reads the remaining records back from the file, because a long run does not keep them in memory.
    pub(crate) fn leftovers(&self) -> Result<Vec<Leftover>> {
        let text = self.state.lock().text().map_err(reading(&self.path))?;
        Ok(parse(&self.path, &text)?.1)
    }

    /// Returns whether the file still has its name; if it was removed, the records could not be deleted after a kill.
    pub(crate) fn is_in_place(&self) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let named = std::fs::metadata(&self.path);
            let open = self.state.lock().file.metadata();
            match (named, open) {
                (Ok(named), Ok(open)) => (named.dev(), named.ino()) == (open.dev(), open.ino()),
                _ => false,
            }
        }
        #[cfg(not(unix))]
        self.path.exists()
    }

    /// Ensures that a complete ledger is on disk and returns its path: the file itself, or a copy if it was removed or
    /// its disk is full.
    pub(crate) fn save(&self) -> Result<PathBuf> {
        let in_place = self.is_in_place();
        let mut state = self.state.lock();
        if state.flush().is_ok() && in_place {
            return Ok(self.path.clone());
        }
        let text = state.text().map_err(reading(&self.path))?;
        let name = self.path.file_name().unwrap_or_default();
        let elsewhere = std::env::temp_dir().join(name);
        let write = |path: &Path| {
            let mut file = new_file().write(true).open(path)?;
            let written = file.write_all(text.as_bytes());
            if written.is_err() {
                // An incomplete ledger would hide the remaining records.
                let _ = std::fs::remove_file(path);
            }
            written
        };
        match write(&self.path) {
            Ok(()) => Ok(self.path.clone()),
            Err(_) => write(&elsewhere)
                .map(|()| elsewhere.clone())
                .map_err(writing(&elsewhere)),
        }
    }
}

/// Options for a new file that only its owner can read; an existing file is never opened.
fn new_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

fn reading(path: &Path) -> impl FnOnce(std::io::Error) -> Error + '_ {
    move |error| Error::of_file("read the ledger", path, error)
}

fn writing(path: &Path) -> impl FnOnce(std::io::Error) -> Error + '_ {
    move |error| Error::of_file("write the ledger", path, error)
}

fn cannot_create(path: &Path, error: &std::io::Error) -> Error {
    let remedy = match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            "an earlier run may have left records; delete them with `espo-bench clean`, then the file, or pass another path"
        }
        _ => "pass a writable path",
    };
    Error::usage(format!(
        "cannot create the ledger {}: {error}; {remedy} with --ledger",
        path.display()
    ))
}

fn leftovers(
    alive: &HashMap<String, HashSet<String>>,
    open: &HashMap<u64, (String, String, String)>,
) -> Vec<Leftover> {
    let known = alive.iter().flat_map(|(entity, ids)| {
        ids.iter().map(|id| Leftover {
            entity: entity.clone(),
            id: Some(id.clone()),
            marker: None,
        })
    });
    let unknown = open.values().map(|(entity, attribute, value)| Leftover {
        entity: entity.clone(),
        id: None,
        marker: Some((attribute.clone(), value.clone())),
    });
    let mut all: Vec<Leftover> = known.chain(unknown).collect();
    all.sort_by(|a, b| (&a.entity, &a.id, &a.marker).cmp(&(&b.entity, &b.id, &b.marker)));
    all
}

/// Reads the ledger of an earlier run: its head and the remaining records.
///
/// An incomplete last line is skipped. It is either an intent whose create was not sent (the create follows the line),
/// or a result whose intent is still open.
///
/// # Errors
///
/// Returns [`Error::Io`] if the file cannot be read, and [`Error::Usage`] if it is not a ledger or another line is
/// damaged.
pub fn read(path: &Path) -> Result<(Head, Vec<Leftover>)> {
    let bytes = std::fs::read(path).map_err(reading(path))?;
    parse(path, &complete(bytes))
}

/// Returns whether the run was killed before the first line of its ledger was complete. Such a run created nothing.
///
/// # Errors
///
/// Returns [`Error::Io`] if the file cannot be read.
pub fn is_unstarted(path: &Path) -> Result<bool> {
    let bytes = std::fs::read(path).map_err(reading(path))?;
    let start = br#"{"ledger":"#;
    let compared = start.len().min(bytes.len());
    Ok(complete_length(&bytes) == 0 && bytes[..compared] == start[..compared])
}

/// Returns the text of a ledger without an incomplete last line, which a crash may have cut in the middle of a
/// character. A damaged byte elsewhere makes its line unreadable.
fn complete(mut bytes: Vec<u8>) -> String {
    bytes.truncate(complete_length(&bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Returns the length of the complete lines. A last line that only lacks its line break is complete.
fn complete_length(bytes: &[u8]) -> usize {
    let last = bytes.iter().rposition(|byte| *byte == b'\n');
    let last = last.map_or(0, |end| end + 1);
    match serde_json::from_slice::<serde::de::IgnoredAny>(&bytes[last..]) {
        Ok(_) => bytes.len(),
        Err(_) => last,
    }
}

fn parse(path: &Path, text: &str) -> Result<(Head, Vec<Leftover>)> {
    let wrong =
        |line: usize, what: &str| Error::usage(format!("{}:{line}: {what}", path.display()));
    if text.is_empty() {
        return Err(Error::usage(format!(
            "{} contains no complete line, so either it is not a ledger or its run was killed at the start",
            path.display()
        )));
    }
    let mut lines = text.lines().enumerate();
    let head: Head = lines
        .next()
        .and_then(|(_, line)| serde_json::from_str(line).ok())
        .ok_or_else(|| wrong(1, "not an espo-bench ledger"))?;
    if head.ledger != 1 {
        return Err(wrong(
            1,
            "unsupported version of the ledger: use the version of espo-bench that wrote it",
        ));
    }
    let mut alive: HashMap<String, HashSet<String>> = HashMap::new();
    let mut open = HashMap::new();
    for (index, line) in lines {
        let line = serde_json::from_str(line)
            .map_err(|error| wrong(index + 1, &format!("damaged line: {error}")))?;
        match line {
            Line::Intent { n, e, a, v } => {
                open.insert(n, (e, a, v));
            }
            Line::Made { n, id } => {
                if let Some((entity, ..)) = open.remove(&n) {
                    alive.entry(entity).or_default().insert(id);
                }
            }
            Line::Refused { n } => {
                open.remove(&n);
            }
            Line::Gone { e, id } => {
                alive.entry(e).or_default().remove(&id);
            }
        }
    }
    Ok((head, leftovers(&alive, &open)))
}

/// The ledger of an earlier run, to which a cleanup appends the deleted records, so that a second one does not find
/// them.
#[derive(Debug)]
pub(crate) struct Appender {
    path: PathBuf,
    file: Mutex<File>,
}

impl Appender {
    /// Opens the ledger, and removes an incomplete last line, which would corrupt the next one.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Io`] if the file cannot be written. A cleanup must then not start, because the ledger would
    /// continue to list the deleted records. Returns [`Error::Usage`] if the run is still active.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let open = || -> std::io::Result<Option<File>> {
            let mut file = OpenOptions::new().read(true).append(true).open(path)?;
            if let Err(TryLockError::WouldBlock) = file.try_lock() {
                return Ok(None);
            }
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            let complete = complete_length(&bytes);
            if complete < bytes.len() {
                file.set_len(complete as u64)?;
            }
            if !bytes[..complete].ends_with(b"\n") {
                file.write_all(b"\n")?;
            }
            Ok(Some(file))
        };
        let Some(file) = open().map_err(writing(path))? else {
            return Err(Error::usage(format!(
                "another process is using the ledger {}: the run that writes it is still active, or another cleanup; \
                 wait for its end, or stop it, and run `espo-bench clean` again",
                path.display()
            )));
        };
        Ok(Self {
            path: path.to_owned(),
            file: Mutex::new(file),
        })
    }

    /// Records that a record was deleted.
    pub(crate) fn gone(&self, entity: &str, id: &str) -> Result<()> {
        let mut text = serde_json::to_string(&Line::Gone {
            e: entity.into(),
            id: id.into(),
        })
        .unwrap_or_default();
        text.push('\n');
        let written = self.file.lock().write_all(text.as_bytes());
        written.map_err(writing(&self.path))
    }
}

#[cfg(test)]
mod tests;
