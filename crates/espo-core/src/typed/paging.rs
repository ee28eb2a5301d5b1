//! How streams of lists proceed from page to page.

use std::hash::{DefaultHasher, Hash, Hasher};

use futures_util::stream::{self, StreamExt};

use super::decode::{Decode, Page};
use super::list::{BoxStream, ListRequest};
use super::records::decode_error_in_page;
use crate::{DecodeFault, Error, Outcome, Response, Stage, Total};

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
    pub(super) guard: Guard,
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
        if rows == 0 {
            return Ok(None);
        }
        state.offset += rows;
        state.guard.check(&response, rows, page.total)?;
        let more = page.total.has_more(state.offset);
        Ok(Some((page, more.then_some(state))))
    }
}

/// Ends paging by offset if the server never stops returning records.
#[derive(Clone, Default)]
pub(crate) struct Guard {
    repeats: Repeats,
    announced: Option<u64>,
    rows: u64,
}

impl Guard {
    /// Other clients may add records meanwhile, but it is unlikely that they add this many and more than there were.
    const ADDED: u64 = 10_000;

    /// Fails if the pages repeat, or if there are far more records than the first page announced.
    pub(crate) fn check(
        &mut self,
        response: &Response,
        rows: u64,
        total: Total,
    ) -> Result<(), Error> {
        let fail = |message: String| Err(Error::decode(response, DecodeFault::new(message)));
        // Without the total, which can differ from page to page.
        let body = response.body();
        let start = body.iter().position(|byte| *byte == b'[').unwrap_or(0);
        let end = body.iter().rposition(|byte| *byte == b']').unwrap_or(0);
        if self.repeats.has_seen(body.get(start..end)) {
            return fail(SAME_PAGE.to_owned());
        }
        if self.rows == 0 {
            self.announced = total.exact();
        }
        self.rows += rows;
        match self.announced {
            Some(announced) if self.rows > announced.saturating_mul(2) + Self::ADDED => {
                fail(format!(
                    "the server announced {announced} records and has returned {} so far; paging might never end",
                    self.rows
                ))
            }
            _ => Ok(()),
        }
    }
}

/// If the server ignores where a page begins, paging would never end.
pub(super) const SAME_PAGE: &str =
    "the server returned the same page again; paging would never end";

/// Detects a sequence that repeats, in constant memory: each item is compared with the previous one, and with one that
/// is replaced at intervals that double (Brent's algorithm).
#[derive(Clone, Default)]
pub(super) struct Repeats {
    previous: Option<u64>,
    earlier: Option<u64>,
    count: u64,
}

impl Repeats {
    pub(super) fn has_seen(&mut self, item: impl Hash) -> bool {
        let mut hasher = DefaultHasher::new();
        item.hash(&mut hasher);
        let digest = Some(hasher.finish());
        let is_repeated = self.previous == digest || self.earlier == digest;
        self.previous = digest;
        self.count += 1;
        if self.count.is_power_of_two() {
            self.earlier = digest;
        }
        is_repeated
    }
}

/// Maximum number of records that are collected in memory, because a server could invent records endlessly.
const MOST_COLLECTED: usize = 1_000_000;

/// All items of a stream, in memory.
pub(crate) async fn collect<T>(stream: BoxStream<T>) -> Result<Vec<T>, Error> {
    collect_at_most(MOST_COLLECTED, stream).await
}

async fn collect_at_most<T>(most: usize, mut stream: BoxStream<T>) -> Result<Vec<T>, Error> {
    let mut all = Vec::new();
    while let Some(item) = stream.next().await {
        if all.len() == most {
            let message = format!(
                "the list has more than {most} records; use `stream` or `pages`, which need constant memory"
            );
            let mut error = Error::new(Stage::Receive, Outcome::Done, None, message);
            error.inner_mut().too_large = true;
            error.inner_mut().lost_safe = true;
            return Err(error);
        }
        all.push(item?);
    }
    Ok(all)
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

#[cfg(test)]
mod tests {
    use super::{BoxStream, Repeats, StreamExt as _, collect_at_most, stream};

    #[test]
    fn cycles_of_any_length_are_detected() {
        for (start, length) in [(0, 1), (0, 2), (3, 5), (100, 1), (7, 100)] {
            let mut repeats = Repeats::default();
            let item = |n: u64| {
                if n < start {
                    n
                } else {
                    start + (n - start) % length
                }
            };
            let noticed = (0..10 * (start + length)).position(|n| repeats.has_seen(item(n)));
            let seen_first = usize::try_from(start + length).expect("small");
            assert!(noticed.is_some_and(|n| n >= seen_first), "{start} {length}");
        }
        let mut repeats = Repeats::default();
        assert!((0..10_000).all(|n| !repeats.has_seen(n)));
    }

    #[tokio::test]
    async fn collecting_ends_at_a_limit() {
        let numbers =
            |count: usize| -> BoxStream<usize> { Box::pin(stream::iter(0..count).map(Ok)) };
        assert_eq!(collect_at_most(3, numbers(3)).await.expect("all").len(), 3);
        let error = collect_at_most(3, numbers(usize::MAX))
            .await
            .expect_err("too many");
        assert!(
            error.is_too_large() && error.to_string().contains("more than 3 records"),
            "{error}"
        );
    }
}
