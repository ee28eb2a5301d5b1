use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;

use futures_util::stream::{self, TryStreamExt};
use http::Method;

use crate::client::Client;
use crate::error::Error;
use crate::request::Request;
use crate::response::Response;
use crate::typed::{BoxStream, Decode, Guard, Page, collect, decode_error_in_page, decode_page};

/// A list that the server pages but neither filters nor sorts; it is not sent until it is awaited.
///
/// Awaiting it returns one [`Page`]; [`PagedRequest::stream`] returns all rows.
#[must_use = "nothing is sent until the request is awaited or turned into a stream"]
pub struct PagedRequest<T> {
    client: Client,
    request: Request,
    offset: Option<u64>,
    max_size: Option<u32>,
    marker: PhantomData<fn() -> T>,
}

impl<T> Clone for PagedRequest<T> {
    fn clone(&self) -> Self {
        Self {
            client: self.client.clone(),
            request: self.request.clone(),
            offset: self.offset,
            max_size: self.max_size,
            marker: PhantomData,
        }
    }
}

impl<T> fmt::Debug for PagedRequest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PagedRequest")
            .field("request", &self.request)
            .field("offset", &self.offset)
            .field("max_size", &self.max_size)
            .finish_non_exhaustive()
    }
}

impl<T> PagedRequest<T> {
    pub(crate) fn new(client: &Client, path: &[&str]) -> Self {
        Self {
            client: client.clone(),
            request: Request::new(Method::GET, path),
            offset: None,
            max_size: None,
            marker: PhantomData,
        }
    }

    pub(crate) fn query(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.request = self.request.query(name, value);
        self
    }

    /// Skips this number of rows.
    pub fn offset(mut self, rows: u64) -> Self {
        self.offset = Some(rows);
        self
    }

    /// Limits the size of a page. Defaults to the server's limit.
    pub fn max_size(mut self, rows: u32) -> Self {
        self.max_size = Some(rows);
        self
    }
}

impl<T: Decode> PagedRequest<T> {
    async fn page(self) -> Result<(Page<T>, Response), Error> {
        let mut request = self.request;
        if let Some(offset) = self.offset {
            request = request.query("offset", offset);
        }
        if let Some(max_size) = self.max_size {
            request = request.query("maxSize", max_size);
        }
        let response = self.client.send(request).await?;
        Ok((decode_page(&response)?, response))
    }

    /// Requests one page.
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`]. Also fails if the response is not a list.
    pub async fn send(self) -> Result<Page<T>, Error> {
        Ok(self.page().await?.0)
    }

    /// Returns a stream of all rows, paged by offset. Rows that cannot be decoded are errors that follow the rows of
    /// their page.
    ///
    /// If other clients write at the same time, a row can be skipped or repeated, because offsets shift. A server
    /// that returns the same pages again, or far more rows than it announced, is an error.
    pub fn stream(self) -> BoxStream<T> {
        let start = self.offset.unwrap_or(0);
        let state = Some((self, start, Guard::default()));
        let pages = stream::try_unfold(state, |state| async move {
            let Some((request, offset, mut guard)) = state else {
                return Ok(None);
            };
            let (page, response) = request.clone().offset(offset).page().await?;
            let rows = page.rows() as u64;
            if rows > 0 {
                guard.check(&response, rows, page.total)?;
            }
            let next = offset + rows;
            let more = rows > 0 && page.total.has_more(next);
            Ok::<_, Error>(Some((page, more.then_some((request, next, guard)))))
        });
        Box::pin(
            pages
                .map_ok(|page: Page<T>| {
                    let rejected = page
                        .rejected
                        .into_iter()
                        .map(|error| Err(decode_error_in_page(error)));
                    let rows: Vec<_> = page.records.into_iter().map(Ok).chain(rejected).collect();
                    stream::iter(rows)
                })
                .try_flatten(),
        )
    }

    /// Returns all rows in memory, at most 1,000,000.
    ///
    /// # Errors
    /// Returns the first error of [`PagedRequest::stream`]. Also fails if there are more rows.
    pub async fn collect(self) -> Result<Vec<T>, Error> {
        collect(self.stream()).await
    }
}

impl<T: Decode> IntoFuture for PagedRequest<T> {
    type Output = Result<Page<T>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}
