//! What a run of many writes has done, kept in a file.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Error as IoError, ErrorKind, Read as _, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::Error;

/// What was written already, kept in a file, so that an interrupted run can be taken up again without doubling.
///
/// Before a write is sent its intent is noted under the write's key and flushed to the disk, and afterwards what became
/// of it. A write that was noted but not confirmed when the run ended may have reached the server:
/// [`Records::write_many`](super::Records::write_many) settles it for updates and deletes by doing them again, which
/// changes nothing, and for creates only by attributes that identify the record
/// ([`WriteMany::identified_by`](super::WriteMany::identified_by)); without those it is an error for that one write.
///
/// A request that the interrupted run had under way may still be executing on the server. Taking the run up again looks
/// for its record, so let the server finish first: a few seconds are plenty, its own time limit for a request is the bound.
///
/// One run at a time has a journal: the file is locked while it is open.
#[derive(Debug)]
pub struct Journal {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: File,
    known: HashMap<String, (State, Option<String>)>,
    /// Keys of writes that are under way.
    running: HashSet<String>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    key: String,
    state: State,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum State {
    /// It is about to be sent; nobody knows what became of it.
    Intended,
    /// The server did it.
    Done,
    /// The server did not do it.
    Refused,
}

impl Journal {
    /// Opens a journal, or begins one.
    ///
    /// # Errors
    /// If the file cannot be read or written, is in use by another run, or holds something else. A last line that a
    /// crash cut short is dropped.
    pub fn open(path: impl AsRef<Path>) -> std::io::Result<Self> {
        let path = path.as_ref();
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => IoError::new(
                ErrorKind::WouldBlock,
                format!("{}: another run has this journal open", path.display()),
            ),
            TryLockError::Error(error) => error,
        })?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let mut known = HashMap::new();
        let mut at = 0;
        for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let entry = serde_json::from_slice::<Entry>(line);
            match entry {
                Ok(entry) => {
                    known.insert(entry.key, (entry.state, entry.id));
                    if !line.ends_with(b"\n") {
                        file.write_all(b"\n")?;
                    }
                }
                Err(_) if line == b"\n" => {}
                // Cut short by a crash. What follows must begin on a line of its own.
                Err(_) if !line.ends_with(b"\n") => file.set_len(at)?,
                Err(error) => {
                    let line = index + 1;
                    let message = format!(
                        "{}, line {line}: no journal of writes: {error}",
                        path.display()
                    );
                    return Err(IoError::new(ErrorKind::InvalidData, message));
                }
            }
            at += line.len() as u64;
        }
        Ok(Self {
            inner: Mutex::new(Inner {
                file,
                known,
                running: HashSet::new(),
            }),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while it is held; if it did, what is there is still the truth of the file.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a write. Two of one key at once would be told apart by nothing.
    pub(super) fn begin(self: &Arc<Self>, key: &str) -> Result<Turn, Error> {
        if !self.lock().running.insert(key.to_owned()) {
            return Err(Error::build(format!(
                "two writes of the key `{key}` are under way: a key must name one write"
            )));
        }
        Ok(Turn {
            journal: Arc::clone(self),
            key: key.to_owned(),
        })
    }
}

/// One write that is under way.
pub(super) struct Turn {
    journal: Arc<Journal>,
    key: String,
}

impl Turn {
    /// What earlier runs noted of it.
    pub(super) fn before(&self) -> Option<(State, Option<String>)> {
        self.journal.lock().known.get(&self.key).cloned()
    }

    pub(super) async fn note(&self, state: State, id: Option<&str>) -> Result<(), Error> {
        let entry = Entry {
            key: self.key.clone(),
            state,
            id: id.map(str::to_owned),
        };
        let journal = Arc::clone(&self.journal);
        // The disk takes its time: others go on meanwhile.
        let written = tokio::task::spawn_blocking(move || journal.lock().append(entry)).await;
        let written = written.unwrap_or_else(|error| Err(IoError::other(error)));
        written.map_err(|error| Error::build(format!("the journal cannot be written: {error}")))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.journal.lock().running.remove(&self.key);
    }
}

impl Inner {
    fn append(&mut self, entry: Entry) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(&entry)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        // An outcome may be lost with the power, an intent may not: without it the write would be sent twice.
        if entry.state == State::Intended {
            self.file.sync_data()?;
        }
        self.known.insert(entry.key, (entry.state, entry.id));
        Ok(())
    }
}
