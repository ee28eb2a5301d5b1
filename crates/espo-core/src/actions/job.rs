//! Background jobs of the server ("idle mode"), and how to wait for them.

use std::fmt;
use std::marker::PhantomData;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::Error;

/// How to wait for a background job of the server.
///
/// The server's job runner starts once per minute by default, so a job can take up to a minute to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Polling {
    /// Time between two polls.
    pub every: Duration,
    /// When to stop polling; the job continues.
    pub at_most: Duration,
}

impl Default for Polling {
    /// Polls every 5 seconds for up to one hour.
    fn default() -> Self {
        Self {
            every: Duration::from_secs(5),
            at_most: Duration::from_secs(3600),
        }
    }
}

/// The state of a background job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum JobStatus {
    /// Not started.
    Pending,
    /// Running.
    Running,
    /// Finished.
    Success,
    /// Failed.
    Failed,
    /// A state that a later version of EspoCRM added.
    #[serde(untagged)]
    Other(String),
}

impl JobStatus {
    /// Returns whether the job has ended.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Success | Self::Failed)
    }
}

/// The progress of a job of one type.
pub trait Progress: DeserializeOwned + Send + sealed::Kind {
    /// The state of the job.
    fn status(&self) -> &JobStatus;
}

pub(crate) mod sealed {
    /// Sealed, because the server defines the types of jobs.
    pub trait Kind {
        /// The path that the job's ID is appended to.
        const PATH: &'static str;
    }
}

/// A background job of the server, with progress `P`.
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
    /// Returns the job's ID, from which [`Job::resume`] restores the job.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Restores a job that was started earlier.
    pub fn resume(client: &Client, id: impl Into<String>) -> Self {
        Self {
            client: client.clone(),
            id: id.into(),
            progress: PhantomData,
        }
    }
}

impl<P: Progress> Job<P> {
    /// Reads the progress of the job.
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`].
    pub async fn status(&self) -> Result<P, Error> {
        self.client.get_json(&[P::PATH, &self.id, "status"]).await
    }

    /// Polls until the job has ended or the polling time is over, and returns the last progress;
    /// [`JobStatus::is_final`] returns whether the job has ended.
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`].
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
    fn unknown_statuses_round_trip() {
        let status: JobStatus = serde_json::from_str("\"Paused\"").unwrap();
        assert_eq!(status, JobStatus::Other("Paused".to_owned()));
        assert_eq!(serde_json::to_string(&status).unwrap(), "\"Paused\"");
        assert!(!status.is_final() && JobStatus::Failed.is_final());
    }
}
