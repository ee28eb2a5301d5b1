//! Many writes with bounded concurrency: outcomes in order, and resumable through a journal.

use std::sync::Arc;

use futures_util::Stream;
use futures_util::StreamExt;
use http::Method;

use super::id::Id;
use super::journal::{Journal, State};
use super::list::BoxStream;
use super::records::{Editable, Records, confirm};
use super::upsert::{Key, Upserted};
use crate::search::Order;
use crate::{Error, Outcome};

/// One of many writes.
#[derive(Debug)]
#[non_exhaustive]
pub enum Write<R: Editable> {
    /// Creates a record.
    Create(R::New),
    /// Updates a record.
    Update(Id<R>, R::Patch),
    /// Deletes a record.
    Delete(Id<R>),
}

/// The result of one write.
#[derive(Debug)]
#[non_exhaustive]
pub enum Written<R> {
    /// The record as the server returned it.
    Created(R),
    /// The record as the server returned it.
    Updated(R),
    /// The record is deleted or did not exist.
    Deleted,
    /// Executed by an earlier run with the same journal. Contains the ID of the record, if there is one.
    DoneBefore(Option<Id<R>>),
}

/// A batch of writes; nothing has been sent yet.
#[must_use = "nothing is sent until the stream of outcomes is polled"]
pub struct WriteMany<R> {
    records: Records<R>,
    concurrency: usize,
    journal: Option<Arc<Journal>>,
    key: Vec<String>,
    skip_duplicate_check: bool,
}

impl<R: Editable> Records<R> {
    /// Writes many records.
    ///
    /// ```no_run
    /// # use espo_core::{Client, Error, JsonObject, typed::Write};
    /// use espo_core::futures_util::{StreamExt, stream};
    /// # async fn run(crm: Client, rows: Vec<JsonObject>) -> Result<(), Error> {
    /// let writes = stream::iter(rows).enumerate().map(|(line, row)| (line.to_string(), Write::Create(row)));
    /// let mut outcomes = crm.untyped("Account").write_many().concurrency(8).run(writes);
    /// while let Some((line, outcome)) = outcomes.next().await {
    ///     if let Err(error) = outcome {
    ///         eprintln!("line {line}: {error}");
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn write_many(&self) -> WriteMany<R> {
        WriteMany {
            records: self.clone(),
            concurrency: 4,
            journal: None,
            key: Vec::new(),
            skip_duplicate_check: false,
        }
    }

    /// Returns the records that changed at or after a time, in the order of the changes, for a sync that continues
    /// where it stopped. Pages by key, so that records that change meanwhile are returned again instead of being
    /// missed.
    ///
    /// Deleted records are not included. The server's times have whole seconds: continue at the time of the last
    /// record, and expect that record again.
    ///
    /// To select attributes or add conditions, use
    /// `list().filter(contact::MODIFIED_AT.ge(time) & …).project::<P>().order_by(contact::MODIFIED_AT.asc()).stream()`.
    pub fn changes_since(&self, time: jiff::Timestamp) -> BoxStream<R> {
        let since = super::time::format_timestamp(time);
        let changed = crate::WhereItem::greater_than_or_equals("modifiedAt", since);
        super::paging::items(
            self.list()
                .filter(changed.into())
                .keyed_pages("modifiedAt", Order::Asc),
        )
    }

    /// Returns the records with these IDs, in several requests if necessary, because the length of a URL limits the
    /// number of IDs. Unknown IDs are skipped; records are ordered by ID within each request.
    pub fn by_ids(&self, ids: impl IntoIterator<Item = impl Into<Id<R>>>) -> BoxStream<R> {
        /// 100 IDs of 36 characters and the attributes of the largest entity type stay below 8 KB.
        const IDS: usize = 100;
        let ids: Vec<String> = ids.into_iter().map(|id| id.into().to_string()).collect();
        let records = self.clone();
        let chunks: Vec<Vec<String>> = ids.chunks(IDS).map(<[String]>::to_vec).collect();
        Box::pin(futures_util::stream::iter(chunks).flat_map(move |ids| {
            let wanted = crate::WhereItem::is_in("id", ids);
            super::paging::items(
                records
                    .list()
                    .filter(wanted.into())
                    .keyed_pages("id", Order::Asc),
            )
        }))
    }
}

impl<R: Editable> WriteMany<R> {
    /// Sets the maximum number of concurrent writes; 4 by default.
    pub fn concurrency(mut self, writes: usize) -> Self {
        self.concurrency = writes.max(1);
        self
    }

    /// Records finished writes in a journal and skips those that it lists as done.
    pub fn journal(mut self, journal: impl Into<Arc<Journal>>) -> Self {
        self.journal = Some(journal.into());
        self
    }

    /// Sets the attributes that identify a record: a create that an earlier run may have sent becomes an upsert by
    /// them.
    pub fn identified_by(mut self, key: impl Key<R>) -> Self {
        self.key = key.names().into_iter().map(str::to_owned).collect();
        self
    }

    /// Creates records even if the server considers them duplicates of others.
    pub fn skip_duplicate_check(mut self) -> Self {
        self.skip_duplicate_check = true;
        self
    }

    /// Sends the writes and returns their outcomes in the same order, each with the key of its write.
    ///
    /// A key identifies a write in the journal, so it must be the same when the run is repeated: a line number, or the
    /// ID in the source. An error concerns one write; the others continue. Dropping the stream stops sending.
    pub fn run<S>(self, writes: S) -> impl Stream<Item = (String, Result<Written<R>, Error>)> + Send
    where
        S: Stream<Item = (String, Write<R>)> + Send,
    {
        let concurrency = self.concurrency;
        let this = Arc::new(self);
        writes
            .map(move |(key, write)| {
                let this = this.clone();
                async move {
                    let outcome = this.one(&key, write).await;
                    (key, outcome)
                }
            })
            .buffered(concurrency)
    }

    async fn one(&self, key: &str, write: Write<R>) -> Result<Written<R>, Error> {
        let Some(journal) = &self.journal else {
            return self.send(write, false).await;
        };
        // Locked until the outcome is recorded or this future is dropped.
        let turn = journal.begin(key)?;
        let before = turn.before();
        if let Some((State::Done, id)) = before {
            return Ok(Written::DoneBefore(id.as_deref().map(Id::new)));
        }
        let maybe_sent = matches!(before, Some((State::Intended, _)));
        turn.note(State::Intended, None).await?;
        let outcome = self.send(write, maybe_sent).await;
        let (state, id) = match &outcome {
            Ok(Written::Created(record) | Written::Updated(record)) => {
                (State::Done, record.record_id())
            }
            Ok(_) => (State::Done, None),
            Err(error) => match error.outcome() {
                // The write was done, although the response cannot be read.
                Outcome::Done => (State::Done, None),
                // A create with an unknown outcome was not sent again, so its outcome is still unknown.
                Outcome::Refused | Outcome::NotSent if !maybe_sent => (State::Refused, None),
                _ => return outcome,
            },
        };
        // If this fails, the outcome is still returned; a later run settles the write, and the next intent reports the
        // error.
        let _ = turn.note(state, id.as_ref().map(Id::as_str)).await;
        outcome
    }

    async fn send(&self, write: Write<R>, maybe_sent: bool) -> Result<Written<R>, Error> {
        match write {
            Write::Create(_) if maybe_sent && self.key.is_empty() => Err(Error::build(
                "an earlier run was interrupted while it sent this create, so the record may exist; specify the \
                 attributes that identify it (`identified_by`) and run again",
            )),
            Write::Create(new) if maybe_sent => {
                let names = self.key.iter().map(String::as_str).collect();
                let mut upsert = self.records.upsert(Names(names), new);
                if self.skip_duplicate_check {
                    upsert = upsert.skip_duplicate_check();
                }
                Ok(match upsert.await? {
                    Upserted::Created(record) => Written::Created(record),
                    Upserted::Updated(record) => Written::Updated(record),
                })
            }
            Write::Create(new) => {
                let mut create = self.records.create(new);
                if self.skip_duplicate_check {
                    create = create.skip_duplicate_check();
                }
                Ok(Written::Created(create.await?))
            }
            Write::Update(id, patch) => Ok(Written::Updated(self.records.update(id, patch).await?)),
            Write::Delete(id) => {
                let request = self.records.request(Method::DELETE, &[id.as_str()]);
                match self.records.client().send(request).await {
                    Ok(response) => confirm(&response)?,
                    Err(error) if error.is_not_found() => {}
                    Err(error) => return Err(error),
                }
                Ok(Written::Deleted)
            }
        }
    }
}

struct Names<'a>(Vec<&'a str>);

impl<R> Key<R> for Names<'_> {
    fn names(&self) -> Vec<&str> {
        self.0.clone()
    }
}
