//! Notifies an observer of every connection that is opened.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tower_layer::Layer;
use tower_service::Service;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A connection attempt, successful or not.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Connecting {
    /// When the attempt started, on the monotonic clock.
    pub started: Instant,
    /// Duration of the attempt: name lookup, TCP, a proxy's tunnel and the TLS handshake.
    pub took: Duration,
    /// Whether the connection was established. Also false if the connect timeout expired.
    pub opened: bool,
}

pub(crate) type Observer = dyn Fn(&Connecting) + Send + Sync;

/// Wraps reqwest's connector.
#[derive(Clone)]
pub(crate) struct Watch {
    pub(crate) observer: Arc<Observer>,
    pub(crate) limit: Duration,
}

impl<S> Layer<S> for Watch {
    type Service = Watched<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Watched {
            inner: Arc::new(Mutex::new(inner)),
            watch: self.clone(),
        }
    }
}

/// The HTTP client copies its connector for every request, whether or not a connection is opened. Its contents are
/// therefore behind one pointer and are copied only when a connection is opened.
pub(crate) struct Watched<S> {
    inner: Arc<Mutex<S>>,
    watch: Watch,
}

impl<S> Clone for Watched<S> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            watch: self.watch.clone(),
        }
    }
}

impl<S, R> Service<R> for Watched<S>
where
    S: Service<R, Error = BoxError> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // The copy that connects checks whether it is ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: R) -> Self::Future {
        let mut inner = self
            .inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let Watch { observer, limit } = self.watch.clone();
        Box::pin(async move {
            let mut told = Told {
                observer,
                started: Instant::now(),
                opened: false,
            };
            let connect = async {
                poll_fn(|cx| inner.poll_ready(cx)).await?;
                inner.call(target).await
            };
            let result = tokio::time::timeout(limit, connect).await;
            let result = result.unwrap_or_else(|_| {
                let late = io::Error::new(io::ErrorKind::TimedOut, "connecting timed out");
                Err(BoxError::from(late))
            });
            told.opened = result.is_ok();
            result
        })
    }
}

/// Notifies the observer when it is dropped, so that cancelled attempts are reported too.
struct Told {
    observer: Arc<Observer>,
    started: Instant,
    opened: bool,
}

impl Drop for Told {
    fn drop(&mut self) {
        (self.observer)(&Connecting {
            started: self.started,
            took: self.started.elapsed(),
            opened: self.opened,
        });
    }
}
