//! Work that the server does in the background ("idle mode"), and how to wait for it.

use std::fmt;
use std::marker::PhantomData;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::Error;

/// How to wait for a job that the server does in the background.
///
/// The server's own job runner starts once a minute by default, so that a job
/// takes up to a minute before it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Polling {
    /// Time between two looks.
    pub every: Duration,
    /// When to stop looking; the job goes on nevertheless.
    pub at_most: Duration,
}

impl Default for Polling {
    /// Every 5 seconds, for an hour.
    fn default() -> Self {
        Self {
            every: Duration::from_secs(5),
            at_most: Duration::from_secs(3600),
        }
    }
}

/// Where a background job stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum JobStatus {
    /// Not begun.
    Pending,
    /// Under way.
    Running,
    /// Finished.
    Success,
    /// Given up.
    Failed,
    /// A state that a later version has.
    #[serde(untagged)]
    Other(String),
}

impl JobStatus {
    /// Whether nothing more will happen.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Success | Self::Failed)
    }
}

/// How far a job of one kind has come.
pub trait Progress: DeserializeOwned + Send + sealed::Kind {
    /// Where it stands.
    fn status(&self) -> &JobStatus;
}

pub(crate) mod sealed {
    /// Which jobs there are is the server's to say.
    pub trait Kind {
        /// The path that the job's id follows.
        const PATH: &'static str;
    }
}

/// A job that the server does in the background, with progress `P`.
pub struct Job<P> {
    client: Client,
    id: String,
    progress: PhantomData<fn() -> P>,
}

impl<P> Clone for Job<P> {
    fn clone(&self) -> Self {
        Self::resume(&self.client, self.id.clone())
    }
}

impl<P> fmt::Debug for Job<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Job").field(&self.id).finish()
    }
}

impl<P> Job<P> {
    /// The job's id, to come back to it with [`Job::resume`].
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A job that was started earlier.
    pub fn resume(client: &Client, id: impl Into<String>) -> Self {
        Self {
            client: client.clone(),
            id: id.into(),
            progress: PhantomData,
        }
    }
}

impl<P: Progress> Job<P> {
    /// How far it is.
    ///
    /// # Errors
    /// As any request.
    pub async fn status(&self) -> Result<P, Error> {
        self.client.get_json(&[P::PATH, &self.id, "status"]).await
    }

    /// Looks until it has ended or the polling's time is over, and answers the
    /// last state seen; whether it ended says [`JobStatus::is_final`].
    ///
    /// # Errors
    /// As any request.
    pub async fn wait(&self, polling: Polling) -> Result<P, Error> {
        let started = Instant::now();
        loop {
            let progress = self.status().await?;
            if progress.status().is_final() || started.elapsed() >= polling.at_most {
                return Ok(progress);
            }
            tokio::time::sleep(polling.every).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_of_a_later_version_survives() {
        let status: JobStatus = serde_json::from_str("\"Paused\"").unwrap();
        assert_eq!(status, JobStatus::Other("Paused".to_owned()));
        assert_eq!(serde_json::to_string(&status).unwrap(), "\"Paused\"");
        assert!(!status.is_final() && JobStatus::Failed.is_final());
    }
}
