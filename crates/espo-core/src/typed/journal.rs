//! A journal of the writes of one run, stored in a file.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Error as IoError, ErrorKind, Read as _, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::Error;

/// A journal of completed writes, stored in a file, so that an interrupted run can be resumed without duplicate writes.
///
/// Before a write is sent, it is recorded under its key and flushed to disk, and its result is recorded afterwards. A
/// write that was recorded but not confirmed when the run ended may have reached the server.
/// [`Records::write_many`](super::Records::write_many) resolves it for updates and deletes by repeating them, which
/// changes nothing, and for creates only by attributes that identify the record
/// ([`WriteMany::identified_by`](super::WriteMany::identified_by)); without these, it returns an error for this write.
///
/// A request of the interrupted run may still be executing on the server. The resumed run searches for its record, so
/// wait until the server has finished: a few seconds are usually enough, and the server's request timeout is the upper
/// limit.
///
/// Only one run at a time can use a journal: the file is locked while it is open.
#[derive(Debug)]
pub struct Journal {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: File,
    known: HashMap<String, (State, Option<String>)>,
    /// Keys of writes that are in progress.
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
    /// It is about to be sent; its result is unknown.
    Intended,
    /// The server executed it.
    Done,
    /// The server did not execute it.
    Refused,
}

impl Journal {
    /// Opens a journal, or creates one that only its owner can read: keys often contain names or addresses.
    ///
    /// # Errors
    /// Fails if the file cannot be read or written, is in use by another run, or is not a journal. A last line that was
    /// truncated by a crash is removed.
    pub fn open(path: impl AsRef<Path>) -> std::io::Result<Self> {
        let path = path.as_ref();
        let mut options = OpenOptions::new();
        options.create(true).read(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => IoError::new(
                ErrorKind::WouldBlock,
                format!("{}: the journal is in use by another run", path.display()),
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
                // Truncated by a crash. The next entry must start on a new line.
                Err(_) if !line.ends_with(b"\n") => file.set_len(at)?,
                Err(error) => {
                    let line = index + 1;
                    let message = format!(
                        "{}, line {line}: invalid journal entry: {error}",
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
        // Nothing panics while the lock is held; if it did, the contents would still match the file.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a write. Two concurrent writes with the same key could not be distinguished.
    pub(super) fn begin(self: &Arc<Self>, key: &str) -> Result<Turn, Error> {
        if !self.lock().running.insert(key.to_owned()) {
            return Err(Error::build(format!(
                "duplicate key `{key}`: each write needs a different key"
            )));
        }
        Ok(Turn {
            journal: Arc::clone(self),
            key: key.to_owned(),
        })
    }
}

/// One write that is in progress.
pub(super) struct Turn {
    journal: Arc<Journal>,
    key: String,
}

impl Turn {
    /// The entry of an earlier run.
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
        // Writing to disk takes time: other tasks continue meanwhile.
        let written = tokio::task::spawn_blocking(move || journal.lock().append(entry)).await;
        let written = written.unwrap_or_else(|error| Err(IoError::other(error)));
        written.map_err(|error| Error::build(format!("cannot write the journal: {error}")))
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
        // An outcome may be lost in a power failure, but an intent must not be lost: otherwise the write would be sent
        // twice.
        if entry.state == State::Intended {
            self.file.sync_data()?;
        }
        self.known.insert(entry.key, (entry.state, entry.id));
        Ok(())
    }
}
