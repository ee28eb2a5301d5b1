//! Emails that a real server would send. The simulator does not send them; programs can read them.

use parking_lot::RwLock;

/// An email that the server would have sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Addresses of the recipients.
    pub to: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The text.
    pub body: String,
}

/// The emails, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Outbox(RwLock<Vec<Mail>>);

impl Outbox {
    pub(crate) fn send(&self, to: Vec<String>, subject: impl Into<String>, body: String) {
        let subject = subject.into();
        self.0.write().push(Mail { to, subject, body });
    }

    pub(crate) fn all(&self) -> Vec<Mail> {
        self.0.read().clone()
    }
}
