//! The ledger: what a run created, so that it can be removed even after a kill.
//!
//! An append-only file of JSON lines. Before a create is sent its intent is written: entity type, and the
//! attribute and text by which the record can be recognised. After the answer the id follows; after a
//! delete, that it is gone. Each line is one `write` to a file opened for appending: it survives the end
//! of the process, whatever ends it.

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
    /// The run's id, part of every marker.
    pub run: String,
    /// The instance that the records are on.
    pub url: String,
    /// When the run started, RFC 3339.
    pub started: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "lowercase")]
enum Line {
    /// About to create: `n` numbers the intent, `e` is the entity type, `a` and `v` the marker's attribute and text.
    Intent {
        n: u64,
        e: String,
        a: String,
        v: String,
    },
    /// Intent `n` became record `id`.
    Made { n: u64, id: String },
    /// Intent `n` certainly became nothing: it was refused or never sent.
    Refused { n: u64 },
    /// Record `id` of type `e` was removed.
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
    /// Bytes of complete lines in the file.
    written: u64,
    /// Lines that the file lacks, oldest first.
    unwritten: VecDeque<String>,
    next: u64,
    created: u64,
    removed: u64,
}

impl State {
    /// Writes the lines that the file lacks, in their order.
    fn flush(&mut self) -> std::io::Result<()> {
        while let Some(line) = self.unwritten.front() {
            if let Err(error) = self.file.write_all(line.as_bytes()) {
                // A part of the line would damage the next one. Shrinking a file needs no space.
                let _ = self.file.set_len(self.written);
                return Err(error);
            }
            self.written += line.len() as u64;
            self.unwritten.pop_front();
        }
        Ok(())
    }

    /// The whole ledger: the file, read through the open handle because its name may be gone, and the lines in memory.
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

/// Something to remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// The entity type.
    pub entity: String,
    /// The id, when the server told it.
    pub id: Option<String>,
    /// The attribute that carries the marker, and its text, when the id is not known.
    pub marker: Option<(String, String)>,
}

impl Ledger {
    /// Creates the file; one that exists is never written over.
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

    /// Notes that a record is about to be created. The create must not be sent when this fails.
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
            // It is not sent, so no record has to be looked for.
            let _ = self.append(&mut state, &Line::Refused { n });
        }
        noted.map(|()| n)
    }

    /// Notes what became of an intent: the id, or none when it certainly was not carried out. An intent
    /// whose fate is unknown stays open: `clean` will look for its record.
    pub(crate) fn settle(&self, n: u64, id: Option<&str>) -> Result<()> {
        let mut state = self.state.lock();
        let line = match id {
            Some(id) => Line::Made { n, id: id.into() },
            None => Line::Refused { n },
        };
        state.created += u64::from(id.is_some());
        self.append(&mut state, &line)
    }

    /// Notes that a record is gone.
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

    /// Created and removed records so far.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let state = self.state.lock();
        (state.created, state.removed)
    }

    /// What is still to be removed, read back from the file: a long run keeps no list of its records in memory.
    pub(crate) fn leftovers(&self) -> Result<Vec<Leftover>> {
        let text = self.state.lock().text().map_err(Error::io(&self.path))?;
        Ok(parse(&self.path, &text)?.1)
    }

    /// Whether the file still has its name: records in a ledger that was removed could not be deleted after a kill.
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

    /// Makes sure that a complete ledger is on the disk and returns its path: the file itself, or a copy if it was
    /// removed or its disk is full.
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
                // A part of a ledger would hide the rest.
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

/// Reads a ledger of an earlier run: its head and what is left to remove.
///
/// A last line that was cut in the middle of its writing is an intent that was never sent (the create
/// follows the line) or an answer whose intent is still open: it is left out.
///
/// # Errors
///
/// [`Error::Io`] when it cannot be read, [`Error::Usage`] when it is no ledger or a line in its middle is damaged.
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
        .ok_or_else(|| wrong(1, "this is no ledger of espo-bench"))?;
    let mut alive: HashMap<String, HashSet<String>> = HashMap::new();
    let mut open = HashMap::new();
    while let Some((index, line)) = lines.next() {
        let line = match serde_json::from_str(line) {
            Ok(line) => line,
            Err(_) if lines.peek().is_none() && !text.ends_with('\n') => break,
            Err(error) => return Err(wrong(index + 1, &format!("a damaged line: {error}"))),
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

/// Appends to a ledger of an earlier run that records are gone, so that a second `clean` finds nothing.
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
    fn what_was_made_and_not_removed_is_left_and_what_was_never_answered_is_looked_for() {
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
    fn a_line_cut_by_a_kill_is_left_out_and_a_damaged_one_in_the_middle_is_an_error() {
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
                .contains(":4: a damaged line")
        );
    }

    /// A ledger on a disk that is full from now on.
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
            "nothing may be created that is not noted"
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
    fn an_existing_ledger_is_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.ledger");
        drop(Ledger::create(&path, &head()).unwrap());
        assert!(matches!(
            Ledger::create(&path, &head()),
            Err(Error::Io { .. })
        ));
        std::fs::write(&path, "hello\n").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("no ledger"));
    }
}
