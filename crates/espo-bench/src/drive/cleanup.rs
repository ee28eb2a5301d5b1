//! The end of a run: deletes the records that it created.

use super::prepared::Prepared;
use crate::clean;
use crate::ledger::{Ledger, Leftover};
use crate::report::Writes;

impl Prepared {
    /// Deletes the records that the run created and reports problems with the ledger; no [`Writes`] if the run did not
    /// write.
    pub(super) fn clean_up(&self) -> (Option<Writes>, Vec<String>) {
        let Some(ledger) = &self.shared.ledger else {
            return (None, Vec::new());
        };
        let (created, removed) = ledger.counts();
        let mut writes = Writes {
            ledger: ledger.path().display().to_string(),
            created,
            removed,
            left: created.saturating_sub(removed),
            kept: self.options.keep,
            ..Writes::default()
        };
        let mut problems = Vec::new();
        match ledger.leftovers() {
            Err(error) => problems.push(error.to_string()),
            Ok(leftovers) if self.options.keep || self.shared.is_refused() => {
                let open = leftovers.iter().filter(|l| l.id.is_none()).count();
                writes.unconfirmed = open as u64;
            }
            Ok(leftovers) => self.delete(ledger, leftovers, &mut writes),
        }
        if writes.left + writes.unconfirmed == 0 {
            if self.ledger_is_ours {
                // All records are deleted, so the file is no longer needed. A failure to delete it is harmless.
                let _ = std::fs::remove_file(ledger.path());
            }
            return (Some(writes), problems);
        }
        match ledger.save() {
            Ok(path) => writes.ledger = path.display().to_string(),
            Err(error) => problems.push(format!(
                "cannot save the ledger ({error}); the remaining records contain '{}' in their text",
                self.shared.marker
            )),
        }
        (Some(writes), problems)
    }

    fn delete(&self, ledger: &Ledger, leftovers: Vec<Leftover>, writes: &mut Writes) {
        let client = match self.dialer.patient_client(0) {
            Ok(client) => client,
            Err(error) => return writes.reasons.push(error.to_string()),
        };
        // The Ctrl-C that ended the load does not end the cleanup; a second one does.
        let already = self.interrupts.since();
        let cleanup = clean::Cleanup {
            client: &client,
            gone: &|entity, id| ledger.gone(entity, id),
            stop: &|| self.interrupts.since() > already.max(1),
            patience: self.options.cleanup_timeout,
            same_server: true,
        };
        let cleaned = self.runtime.block_on(cleanup.remove(leftovers));
        writes.created += cleaned.found;
        writes.removed += cleaned.removed;
        writes.missing = cleaned.missing;
        writes.left = cleaned.left;
        writes.unconfirmed = cleaned.unconfirmed;
        writes.reasons = cleaned.reasons.into_iter().collect();
    }
}
