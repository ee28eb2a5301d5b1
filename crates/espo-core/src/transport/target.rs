//! The URLs of requests and of redirects.

use std::borrow::Cow;
use std::sync::Arc;

use http::Method;
use url::Url;

use super::{Engine, Opened, Target};
use crate::error::{Answer, Error, Outcome, Stage};
use crate::request::{Prepared, Request, write_search};
use crate::response::Context;
use crate::search::{SearchEncoding, SearchParams};

impl Engine {
    /// The URL of a request's first attempt.
    pub(super) fn target<'r>(
        &self,
        request: &'r Request,
        context: &Context,
    ) -> Result<Target<'r>, Error> {
        let path = Cow::Borrowed(request.path.as_str());
        let ready = request.prepared.as_deref();
        // Errors made while the request was built are reported by `query`.
        let ready = ready.filter(|_| request.fault.is_none());
        Ok(match ready.filter(|ready| ready.base == self.site.base) {
            Some(ready) => Target {
                path,
                query: Cow::Borrowed(""),
                url: Some(&ready.url),
            },
            None => Target {
                path,
                query: self.query(request, context)?,
                url: None,
            },
        })
    }

    pub(crate) fn prepare(&self, mut request: Request) -> Result<Request, Error> {
        let context = request.context();
        let query = self.query(&request, &context)?;
        let url = self.url(&request.path, &query, &context)?;
        request.prepared = Some(Arc::new(Prepared {
            base: self.site.base.clone(),
            url,
            context,
        }));
        Ok(request)
    }

    pub(super) fn url(&self, path: &str, query: &str, context: &Context) -> Result<Url, Error> {
        self.site.url(path, query).map_err(|error| {
            Error::new(
                Stage::Build,
                Outcome::NotSent,
                Some(context.clone()),
                format!("cannot build the request's URL: {error}"),
            )
        })
    }

    fn query<'r>(&self, request: &'r Request, context: &Context) -> Result<Cow<'r, str>, Error> {
        let refuse = |message: String| {
            Error::new(
                Stage::Build,
                Outcome::NotSent,
                Some(context.clone()),
                message,
            )
        };
        if let Some(fault) = &request.fault {
            return Err(refuse(fault.clone()));
        }
        let query = match &request.search {
            None => Cow::Borrowed(request.query.as_str()),
            Some(json) => {
                let mut query = request.query.clone();
                if self.encoding == SearchEncoding::Json {
                    write_search(&mut query, json);
                } else {
                    // Brackets are rare, so only they use the slower path.
                    let params: SearchParams = serde_json::from_str(json)
                        .map_err(|error| refuse(format!("invalid search parameters: {error}")))?;
                    let brackets = params
                        .to_query(self.encoding)
                        .map_err(|error| refuse(error.to_string()))?;
                    if !query.is_empty() && !brackets.is_empty() {
                        query.push('&');
                    }
                    query.push_str(&brackets);
                }
                Cow::Owned(query)
            }
        };
        let length = self.site.base_path.len() + request.path.len() + 1 + query.len();
        if length > self.max_url {
            return Err(refuse(format!(
                "the URL would be {length} bytes long, and the limit is {}; split a long list \
                 of IDs into several requests, or use a shorter filter",
                self.max_url
            )));
        }
        Ok(query)
    }

    /// Follows a GET inside the same API; any other redirect is an error that shows its target.
    pub(super) fn redirect(
        &self,
        request: &Request,
        opened: &Opened,
    ) -> Result<Option<Target<'static>>, Error> {
        let Some(location) = opened.location() else {
            return Ok(None);
        };
        if request.method == Method::GET
            && let Some(path) = self.site.relative(&location)
        {
            return Ok(Some(Target {
                path: Cow::Owned(path.to_owned()),
                query: Cow::Owned(location.query().unwrap_or_default().to_owned()),
                url: None,
            }));
        }
        let mut shown = location.clone();
        shown.set_query(None);
        shown.set_fragment(None);
        // Both fail only for a URL without a host, which contains no credentials either.
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        let mut error = Error::status_error(
            opened.context().clone(),
            Answer {
                status: opened.status(),
                headers: opened.headers().clone(),
                body: bytes::Bytes::new(),
            },
        );
        let shown = opened.context().redact(shown.as_str());
        error.inner_mut().message = Cow::Owned(format!(
            "redirect to {shown} not followed: only GET requests are redirected, and only within \
             the same API; build the client with the final URL"
        ));
        Err(error)
    }
}
