//! How streams of lists proceed from page to page.

use std::hash::{DefaultHasher, Hash, Hasher};

use futures_util::stream::{self, StreamExt};

use super::decode::{Decode, Page};
use super::list::{BoxStream, ListRequest};
use super::records::decode_error_in_page;
use crate::{DecodeFault, Error};

/// How a list proceeds from one page to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Paging {
    /// By key if the order allows it, otherwise by offset.
    #[default]
    Auto,
    /// Each page begins after the last record of the previous one, even if that record has moved. An order that does
    /// not allow this is an error before a request is sent; for an entity type known only at run time, the caller must
    /// choose a suitable order.
    Key,
    /// Each page begins at an offset. Needed for a total per page; records can be missed or returned twice if other
    /// clients write.
    Offset,
}

pub(super) struct Offset<E, R> {
    pub(super) request: ListRequest<E, R>,
    pub(super) offset: u64,
    /// Content of the previous page: a server that ignores the offset would otherwise cause an endless loop.
    pub(super) seen: Option<u64>,
}

impl<E: Send + 'static, R: Decode> Offset<E, R> {
    pub(super) async fn next(
        state: Option<Self>,
    ) -> Result<Option<(Page<R>, Option<Self>)>, Error> {
        let Some(mut state) = state else {
            return Ok(None);
        };
        state.request = state.request.offset(state.offset);
        let (page, response) = state.request.page().await?;
        let rows = page.rows() as u64;
        state.offset += rows;
        if rows == 0 {
            return Ok(None);
        }
        let mut hasher = DefaultHasher::new();
        response.body().hash(&mut hasher);
        let digest = hasher.finish();
        if state.seen == Some(digest) {
            return Err(Error::decode(
                &response,
                DecodeFault::new(
                    "the server gave the same page for another offset; going on would never end",
                ),
            ));
        }
        state.seen = Some(digest);
        let more = page.total.has_more(state.offset);
        Ok(Some((page, more.then_some(state))))
    }
}

pub(super) fn items<R: Send + 'static>(pages: BoxStream<Page<R>>) -> BoxStream<R> {
    Box::pin(pages.flat_map(|page| {
        let items: Vec<Result<R, Error>> = match page {
            Ok(page) => {
                let rejected = page
                    .rejected
                    .into_iter()
                    .map(|error| Err(decode_error_in_page(error)));
                page.records.into_iter().map(Ok).chain(rejected).collect()
            }
            Err(error) => vec![Err(error)],
        };
        stream::iter(items)
    }))
}

/// Starts a task that requests pages in advance. Dropping the stream ends the task.
pub(super) fn ahead<T: Send + 'static>(pages: usize, mut stream: BoxStream<T>) -> BoxStream<T> {
    if pages == 0 {
        return stream;
    }
    let (sender, receiver) = tokio::sync::mpsc::channel(pages);
    let task = Ahead(tokio::spawn(async move {
        while let Some(page) = stream.next().await {
            if sender.send(page).await.is_err() {
                break;
            }
        }
    }));
    Box::pin(stream::unfold(
        (receiver, task),
        |(mut receiver, task)| async move { Some((receiver.recv().await?, (receiver, task))) },
    ))
}

/// The task that reads ahead. It is aborted so that dropping the stream does not wait for a request in flight.
struct Ahead(tokio::task::JoinHandle<()>);

impl Drop for Ahead {
    fn drop(&mut self) {
        self.0.abort();
    }
}
