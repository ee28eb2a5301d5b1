//! The ledger of a run's records, so that they can be deleted even after the process was killed.
//!
//! The ledger is an append-only file of JSON lines. Before a create is sent, the run writes an intent: the entity type,
//! and the attribute and value that identify the record. The ID follows after the response, and a line for each deleted
//! record after the delete. Each line is a single `write` to a file opened for appending, so it survives any end of the
//! process.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::{File, OpenOptions};
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
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create_new(true)
            .open(path)
            .map_err(Error::io(path))?;
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
        state.flush().map_err(Error::io(path))?;
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
        state.flush().map_err(Error::io(&self.path))
    }

    /// Returns the numbers of records created and deleted so far.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let state = self.state.lock();
        (state.created, state.removed)
    }

    /// Reads the remaining records back from the file, because a long run does not keep them in memory.
    pub(crate) fn leftovers(&self) -> Result<Vec<Leftover>> {
        let text = self.state.lock().text().map_err(Error::io(&self.path))?;
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
        let text = state.text().map_err(Error::io(&self.path))?;
        let name = self.path.file_name().unwrap_or_default();
        let elsewhere = std::env::temp_dir().join(name);
        let write = |path: &Path| {
            let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
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
                .map_err(Error::io(&elsewhere)),
        }
    }
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
    let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
    parse(path, &text)
}

fn parse(path: &Path, text: &str) -> Result<(Head, Vec<Leftover>)> {
    let wrong =
        |line: usize, what: &str| Error::usage(format!("{}:{line}: {what}", path.display()));
    let mut lines = text.lines().enumerate().peekable();
    let head: Head = lines
        .next()
        .and_then(|(_, line)| serde_json::from_str(line).ok())
        .filter(|h: &Head| h.ledger == 1)
        .ok_or_else(|| wrong(1, "not an espo-bench ledger"))?;
    let mut alive: HashMap<String, HashSet<String>> = HashMap::new();
    let mut open = HashMap::new();
    while let Some((index, line)) = lines.next() {
        let line = match serde_json::from_str(line) {
            Ok(line) => line,
            Err(_) if lines.peek().is_none() && !text.ends_with('\n') => break,
            Err(error) => return Err(wrong(index + 1, &format!("damaged line: {error}"))),
        };
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

/// Appends deleted records to the ledger of an earlier run, so that a second `clean` does not find them.
pub(crate) fn append_gone(path: &Path, entity: &str, id: &str) -> Result<()> {
    let mut file = OpenOptions::new()
        .append(true)
        .open(path)
        .map_err(Error::io(path))?;
    let mut text = serde_json::to_string(&Line::Gone {
        e: entity.into(),
        id: id.into(),
    })
    .unwrap_or_default();
    text.push('\n');
    file.write_all(text.as_bytes()).map_err(Error::io(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        Head {
            ledger: 1,
            run: "0a1b2c3d".into(),
            url: "http://127.0.0.1:1".into(),
            started: "2026-01-01T00:00:00Z".into(),
        }
    }

    #[test]
    fn remaining_and_unconfirmed_records_are_left_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.ledger");
        let ledger = Ledger::create(&path, &head()).unwrap();
        let kept = ledger
            .intent("Account", "name", "espo-bench 0a1b2c3d 0-0 A")
            .unwrap();
        let removed = ledger
            .intent("Account", "name", "espo-bench 0a1b2c3d 0-1 B")
            .unwrap();
        let refused = ledger
            .intent("Account", "name", "espo-bench 0a1b2c3d 0-2 C")
            .unwrap();
        ledger
            .intent("Contact", "lastName", "espo-bench 0a1b2c3d 0-3")
            .unwrap();
        ledger.settle(kept, Some("id1")).unwrap();
        ledger.settle(removed, Some("id2")).unwrap();
        ledger.settle(refused, None).unwrap();
        ledger.gone("Account", "id2").unwrap();
        let expected = [
            Leftover {
                entity: "Account".into(),
                id: Some("id1".into()),
                marker: None,
            },
            Leftover {
                entity: "Contact".into(),
                id: None,
                marker: Some(("lastName".into(), "espo-bench 0a1b2c3d 0-3".into())),
            },
        ];
        assert_eq!(ledger.leftovers().unwrap(), expected);
        assert_eq!(ledger.counts(), (2, 1));
        let (read_head, left) = read(&path).unwrap();
        assert_eq!((read_head, left), (head(), expected.to_vec()));
        append_gone(&path, "Account", "id1").unwrap();
        assert_eq!(read(&path).unwrap().1, expected[1..]);
    }

    #[test]
    fn incomplete_last_lines_are_skipped_and_damaged_ones_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.ledger");
        let ledger = Ledger::create(&path, &head()).unwrap();
        let n = ledger.intent("Account", "name", "x").unwrap();
        ledger.settle(n, Some("id1")).unwrap();
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("{\"t\":\"intent\",\"n\":1,\"e\":\"Acc");
        std::fs::write(&path, &text).unwrap();
        assert_eq!(read(&path).unwrap().1.len(), 1);
        std::fs::write(&path, text + "\n{}\n").unwrap();
        assert!(
            read(&path)
                .unwrap_err()
                .to_string()
                .contains(":4: damaged line")
        );
    }

    /// Makes every further write fail, as on a full disk.
    #[cfg(target_os = "linux")]
    fn fill_disk(ledger: &Ledger) -> File {
        let full = OpenOptions::new().read(true).append(true).open("/dev/full");
        std::mem::replace(&mut ledger.state.lock().file, full.unwrap())
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn lines_that_a_full_disk_rejects_are_kept_and_written_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.ledger");
        let ledger = Ledger::create(&path, &head()).unwrap();
        let first = ledger.intent("Account", "name", "x 0").unwrap();
        let file = fill_disk(&ledger);
        assert!(ledger.settle(first, Some("id1")).is_err());
        assert!(
            ledger.intent("Account", "name", "x 1").is_err(),
            "no record may be created without an intent"
        );
        assert_eq!(ledger.counts(), (1, 0));
        ledger.state.lock().file = file;
        ledger.gone("Contact", "other").unwrap();
        let left = ledger.leftovers().unwrap();
        assert_eq!(left, read(&path).unwrap().1);
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].id.as_deref(), Some("id1"));
    }

    #[test]
    fn removed_ledgers_are_noticed_and_saved_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.ledger");
        let ledger = Ledger::create(&path, &head()).unwrap();
        let n = ledger.intent("Account", "name", "x").unwrap();
        ledger.settle(n, Some("id1")).unwrap();
        assert!(ledger.is_in_place());
        assert_eq!(ledger.save().unwrap(), path);
        std::fs::remove_file(&path).unwrap();
        assert!(!ledger.is_in_place());
        assert_eq!(ledger.leftovers().unwrap().len(), 1);
        assert_eq!(ledger.save().unwrap(), path);
        assert_eq!(read(&path).unwrap().1.len(), 1);
    }

    #[test]
    fn existing_ledgers_are_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.ledger");
        drop(Ledger::create(&path, &head()).unwrap());
        assert!(matches!(
            Ledger::create(&path, &head()),
            Err(Error::Io { .. })
        ));
        std::fs::write(&path, "hello\n").unwrap();
        assert!(
            read(&path)
                .unwrap_err()
                .to_string()
                .contains("not an espo-bench ledger")
        );
    }
}
