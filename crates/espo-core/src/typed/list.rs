//! Lists: one page, all pages, all records.

use std::borrow::Cow;
use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::time::Duration;

use futures_util::Stream;
use futures_util::stream;
use http::Method;

use super::decode::{Decode, Page};
use super::field::OrderBy;
use super::filter::Filter;
use super::named_filter::{IsBoolFilter, IsPrimaryFilter};
use super::paging::{Guard, Offset, Paging, ahead, collect, items};
use super::projection::{Listable, Projection};
use super::record_ref::RecordRef;
use super::records::{decode_error, decode_page};
use super::select::Select;
use crate::search::{Order, SearchParams};
use crate::{Client, DecodeFault, Error, Request, Response};

/// The maximum page size of servers by default.
const LARGEST_PAGE: u32 = 200;

/// A boxed, pinned and `Send` stream of results.
pub type BoxStream<T> = Pin<Box<dyn Stream<Item = Result<T, Error>> + Send>>;

/// A list of records of `E`, decoded as `R`; nothing has been sent yet.
///
/// Awaiting it sends the request and returns a [`Page`]. Without [`ListRequest::select`], the rows contain every
/// attribute that lists offer; related lists request these explicitly, because they could otherwise return bare IDs.
#[must_use = "nothing is sent until the request is awaited or turned into a stream"]
pub struct ListRequest<E, R = E> {
    client: Client,
    segments: Vec<Cow<'static, str>>,
    params: SearchParams,
    no_total: bool,
    strict: bool,
    read_ahead: usize,
    timeout: Option<Duration>,
    paging: Paging,
    /// Whether pages can begin in this order.
    has_key_order: bool,
    marker: PhantomData<fn() -> (E, R)>,
}

impl<E, R> Clone for ListRequest<E, R> {
    fn clone(&self) -> Self {
        Self {
            client: self.client.clone(),
            segments: self.segments.clone(),
            params: self.params.clone(),
            no_total: self.no_total,
            strict: self.strict,
            read_ahead: self.read_ahead,
            timeout: self.timeout,
            paging: self.paging,
            has_key_order: self.has_key_order,
            marker: PhantomData,
        }
    }
}

impl<E, R> std::fmt::Debug for ListRequest<E, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ListRequest")
            .field("path", &self.segments)
            .field("params", &self.params)
            .finish_non_exhaustive()
    }
}

impl<E, R> ListRequest<E, R> {
    pub(crate) fn new(client: Client, segments: Vec<Cow<'static, str>>) -> Self {
        Self {
            client,
            segments,
            params: SearchParams::new(),
            no_total: false,
            strict: false,
            read_ahead: 0,
            timeout: None,
            paging: Paging::Auto,
            has_key_order: false,
            marker: PhantomData,
        }
    }

    /// The list below a record: its route is the record's own and `rest`.
    pub(crate) fn below<T>(record: &RecordRef<T>, rest: impl Into<Cow<'static, str>>) -> Self {
        let segments = vec![
            Cow::Owned(record.entity_type().to_owned()),
            Cow::Owned(record.id().as_str().to_owned()),
            rest.into(),
        ];
        Self::new(record.client().clone(), segments)
    }

    /// Returns only matching records; several filters must all match.
    #[doc(alias("where"))]
    pub fn filter(mut self, filter: Filter<E>) -> Self {
        self.params = self.params.filter(filter.into_item());
        self
    }

    /// Sets the order. Records that are equal in it are ordered by ID.
    #[doc(alias("sort", "sort_by"))]
    pub fn order_by(mut self, order: OrderBy<E>) -> Self {
        self.has_key_order = order.is_key;
        self.params = self.params.order_by(order.field, order.order);
        self
    }

    /// Requests only these attributes, in one or several calls. The server adds a few others, including the ID.
    pub fn select(mut self, attributes: impl Select<E>) -> Self {
        let mut names = self.params.select.take().unwrap_or_default();
        names.extend(attributes.names());
        self.params = self.params.select(names);
        self
    }

    /// Sets the maximum number of records per page. Servers reject more than 200 unless configured otherwise, and
    /// return 200 by default.
    #[doc(alias("limit", "page_size"))]
    pub fn max_size(mut self, records: u32) -> Self {
        self.params = self.params.max_size(records);
        self
    }

    /// Skips this number of records.
    #[doc(alias("skip"))]
    pub fn offset(mut self, records: u64) -> Self {
        self.params = self.params.offset(records);
        self
    }

    /// Applies a primary filter of the instance, such as `opportunity::primary_filters::OPEN`. A list has at most one.
    pub fn primary_filter(mut self, filter: impl IsPrimaryFilter<E>) -> Self {
        self.params = self.params.primary_filter(filter.into_name());
        self
    }

    /// Applies a boolean filter of the instance, such as `opportunity::bool_filters::ONLY_MY`. If several are applied,
    /// at least one must match.
    pub fn bool_filter(mut self, filter: impl IsBoolFilter<E>) -> Self {
        self.params = self.params.bool_filter(filter.into_name());
        self
    }

    /// Searches for a string as the search box does; `*` matches any characters.
    pub fn text_filter(mut self, text: impl Into<String>) -> Self {
        self.params = self.params.text_filter(text);
        self
    }

    /// Disables counting on the server: the total then only shows whether there are more records.
    pub fn no_total(mut self) -> Self {
        self.no_total = true;
        self
    }

    /// Fails the whole page if a record cannot be decoded. By default, such records are in [`Page::rejected`].
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// Sets how many pages a stream requests in advance. With 0, the default, the next page is requested when the
    /// previous one is used up.
    pub fn read_ahead(mut self, pages: usize) -> Self {
        self.read_ahead = pages;
        self
    }

    /// Sets how [`ListRequest::stream`] and [`ListRequest::pages`] proceed from page to page; see [`Paging`].
    pub fn paging(mut self, paging: Paging) -> Self {
        self.paging = paging;
        self
    }

    /// Sets a time limit for each attempt of each page, instead of the client's; for slow queries.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Returns the search parameters that will be sent, for parameters without a typed method.
    pub fn params_mut(&mut self) -> &mut SearchParams {
        &mut self.params
    }

    /// Decodes the records as `P`, a user-defined struct, and requests only its attributes.
    pub fn project<P: Projection<Of = E, Lists: Listable>>(self) -> ListRequest<E, P> {
        ListRequest {
            client: self.client,
            segments: self.segments,
            params: self.params.select(P::select()),
            no_total: self.no_total,
            strict: self.strict,
            read_ahead: self.read_ahead,
            timeout: self.timeout,
            paging: self.paging,
            has_key_order: self.has_key_order,
            marker: PhantomData,
        }
    }
}

impl<E: Send + 'static, R: Decode> ListRequest<E, R> {
    fn request(&self) -> Request {
        let mut params = self.params.clone();
        if self.segments.len() > 1
            && params.select.is_none()
            && let Some(attributes) = R::default_select()
        {
            params = params.select(attributes);
        }
        let mut request = Request::new(Method::GET, &self.segments).search(&params);
        if let Some(limit) = self.timeout {
            request = request.timeout(limit);
        }
        if self.no_total {
            request.header("X-No-Total", "true")
        } else {
            request
        }
    }

    pub(super) async fn page(&self) -> Result<(Page<R>, Response), Error> {
        let response = self.client.send(self.request()).await?;
        let page = decode_page::<R>(&response)?;
        match page.rejected.first() {
            Some(error) if self.strict => Err(decode_error(&response, error.clone())),
            _ => Ok((page, response)),
        }
    }

    /// Requests one page.
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`]. Also fails if the response is not a list.
    pub async fn send(self) -> Result<Page<R>, Error> {
        Ok(self.page().await?.0)
    }

    /// Returns the number of matching records.
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`]. Also fails if the server does not count this entity type.
    pub async fn count(mut self) -> Result<u64, Error> {
        self.params = self.params.max_size(0).select(["id"]);
        self.no_total = false;
        let (page, response) = self.page().await?;
        page.total.exact().ok_or_else(|| {
            Error::decode(
                &response,
                DecodeFault::new("the server does not count the records of this entity type"),
            )
        })
    }

    /// Returns the first record; `None` if none matches.
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`]. Also fails if the record cannot be decoded.
    pub async fn first(self) -> Result<Option<R>, Error> {
        let page = self.max_size(1).no_total().strict().send().await?;
        Ok(page.records.into_iter().next())
    }

    /// Returns all records in memory, at most 1,000,000; use [`ListRequest::stream`] for more.
    ///
    /// # Errors
    /// Returns the first error of [`ListRequest::stream`], including the error of a record that cannot be decoded. Also
    /// fails if there are more records.
    pub async fn collect(self) -> Result<Vec<R>, Error> {
        collect(self.stream()).await
    }

    /// Returns a stream of all records, with constant memory.
    ///
    /// Without an order, records are ordered by ID. In this order, and when ordered by a stored string, integer,
    /// amount, date, time or ID, each page begins after the last record of the previous one ([`Paging::Key`]): a record
    /// that does not change meanwhile is returned exactly once, regardless of what other clients write. **This
    /// guarantee does not apply** to other orders (links, enums, booleans, computed values), to a list with an
    /// [`offset`](ListRequest::offset), and with [`Paging::Offset`]: offsets shift when other clients create or delete
    /// records, so a record can be missed or returned twice. A record whose ordering attribute changes meanwhile can be
    /// missed or returned twice in any case.
    ///
    /// A record that cannot be decoded is an error after the records of its page, and the stream continues; any other
    /// error ends it. A server that repeats pages, or that returns by offset more than twice the announced number of records plus
    /// 10,000, is an error; to limit the number of records, use [`StreamExt::take`].
    ///
    /// [`StreamExt::take`]: futures_util::StreamExt::take
    pub fn stream(self) -> BoxStream<R> {
        items(self.pages())
    }

    /// Returns a stream of pages; see [`ListRequest::stream`]. An error ends the stream.
    ///
    /// With [`Paging::Key`], the server does not count: [`Page::total`] only shows whether there are more records.
    pub fn pages(self) -> BoxStream<Page<R>> {
        match (self.paging, self.key_order()) {
            (Paging::Auto | Paging::Key, Some((attribute, order))) => {
                self.keyed_pages(attribute, order)
            }
            (Paging::Key, None) => {
                let order = self.params.order_by.as_deref().unwrap_or_default();
                let message = format!(
                    "cannot page by key in the order of `{order}`: the server does not compare its values in that order, \
                     or the list has an offset; use another order, or `Paging::Offset`"
                );
                Box::pin(stream::iter([Err(Error::build(message))]))
            }
            (Paging::Auto | Paging::Offset, _) => self.offset_pages(),
        }
    }

    /// The attribute and direction of the order, if pages can begin after a record in it.
    fn key_order(&self) -> Option<(Cow<'static, str>, Order)> {
        if self.params.offset.is_some() {
            return None;
        }
        let Some(attribute) = &self.params.order_by else {
            return Some((Cow::Borrowed("id"), self.params.order.unwrap_or_default()));
        };
        // For an entity type known only at run time, the caller must know.
        let is_chosen = R::DECODES.is_empty() && self.paging == Paging::Key;
        let is_key = attribute == "id" || self.has_key_order || is_chosen;
        is_key.then(|| (attribute.clone(), self.params.order.unwrap_or_default()))
    }

    fn offset_pages(self) -> BoxStream<Page<R>> {
        let size = self.params.max_size.unwrap_or(LARGEST_PAGE).max(1);
        let read_ahead = self.read_ahead;
        let start = Offset {
            offset: self.params.offset.unwrap_or(0),
            request: self.max_size(size),
            guard: Guard::default(),
        };
        ahead(
            read_ahead,
            Box::pin(stream::try_unfold(Some(start), Offset::next)),
        )
    }

    pub(crate) fn keyed_pages(
        mut self,
        attribute: impl Into<Cow<'static, str>>,
        order: Order,
    ) -> BoxStream<Page<R>> {
        let attribute = attribute.into();
        let size = self.params.max_size.unwrap_or(LARGEST_PAGE).max(1);
        self.params = self
            .params
            .max_size(size)
            .order_by(attribute.clone(), order);
        self.params.offset = None;
        // Counting costs the server a query per page, and the total is not the number of remaining records.
        self.no_total = true;
        let select = self.params.select.take().or_else(|| {
            R::default_select().map(|names| names.into_iter().map(Cow::Borrowed).collect())
        });
        if let Some(mut names) = select {
            for key in [Cow::Borrowed("id"), attribute.clone()] {
                if !names.contains(&key) {
                    names.push(key);
                }
            }
            self.params = self.params.select(names);
        }
        let read_ahead = self.read_ahead;
        ahead(read_ahead, super::keyset::pages(self, attribute, order))
    }

    pub(crate) async fn keyed_page(
        &self,
        condition: Option<crate::WhereItem>,
    ) -> Result<(Page<R>, Response), Error> {
        let mut request = self.clone();
        if let Some(condition) = condition {
            request.params = request.params.filter(condition);
        }
        request.page().await
    }

    pub(crate) fn page_size(&self) -> usize {
        self.params.max_size.unwrap_or(LARGEST_PAGE) as usize
    }
}

impl<E: Send + 'static, R: Decode> IntoFuture for ListRequest<E, R> {
    type Output = Result<Page<R>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}
