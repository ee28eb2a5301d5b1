//! Mail that a real server would send. Nothing leaves this one: programs look it up.

use parking_lot::RwLock;

/// A mail that the server would have sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Addresses of the recipients.
    pub to: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The text.
    pub body: String,
}

/// Mail, oldest first.
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
