//! An incremental copy of accounts, contacts and opportunities in SQLite.

mod rows;
mod store;

use crm::espo_core::typed::{BoxStream, Page};
use crm::prelude::*;

pub use rows::{AccountRow, ContactRow, OpportunityRow};
pub use store::{Row, Store};

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// EspoCRM could not be reached or rejected a request.
    #[error("cannot read from EspoCRM: {0}")]
    Crm(#[from] Error),
    /// The database could not be read or written.
    #[error("cannot use the database: {0}")]
    Database(#[from] rusqlite::Error),
}

/// The result of a run.
#[derive(Debug, Default, PartialEq)]
pub struct Summary {
    /// Number of records that were written, repeated ones included.
    pub written: u64,
    /// Records that could not be decoded, with the reason.
    pub rejected: Vec<String>,
}

/// Copies all records that have changed since the last run.
///
/// # Errors
///
/// Fails if EspoCRM or the database fails. Complete pages are kept, and the next run continues after them.
pub async fn sync(crm: &Client, store: &mut Store) -> Result<Summary, SyncError> {
    let mut summary = Summary::default();

    let since = store.since::<AccountRow>()?;
    let list = crm.list::<Account>().filter(account::MODIFIED_AT.ge(since));
    let pages = list
        .project::<AccountRow>()
        .order_by(account::MODIFIED_AT.asc())
        .pages();
    copy(pages, store, &mut summary).await?;

    let since = store.since::<ContactRow>()?;
    let list = crm.list::<Contact>().filter(contact::MODIFIED_AT.ge(since));
    let pages = list
        .project::<ContactRow>()
        .order_by(contact::MODIFIED_AT.asc())
        .pages();
    copy(pages, store, &mut summary).await?;

    let since = store.since::<OpportunityRow>()?;
    let list = crm
        .list::<Opportunity>()
        .filter(opportunity::MODIFIED_AT.ge(since));
    let pages = list
        .project::<OpportunityRow>()
        .order_by(opportunity::MODIFIED_AT.asc())
        .pages();
    copy(pages, store, &mut summary).await?;

    Ok(summary)
}

async fn copy<R: Row>(
    mut pages: BoxStream<Page<R>>,
    store: &mut Store,
    summary: &mut Summary,
) -> Result<(), SyncError> {
    while let Some(page) = pages.try_next().await? {
        store.save(&page.records)?;
        summary.written += page.records.len() as u64;
        summary
            .rejected
            .extend(page.rejected.iter().map(ToString::to_string));
    }
    Ok(())
}

/// Removes records from the database that no longer exist in EspoCRM, and returns their number.
///
/// # Errors
///
/// Fails if EspoCRM or the database fails. No row of the affected entity type is removed in that case.
pub async fn remove_deleted(crm: &Client, store: &mut Store) -> Result<usize, SyncError> {
    let accounts = crm.list::<Account>().project::<AccountKey>().stream();
    let mut removed =
        sweep::<AccountRow>(Box::pin(accounts.map_ok(|key| key.id.to_string())), store).await?;
    let contacts = crm.list::<Contact>().project::<ContactKey>().stream();
    removed +=
        sweep::<ContactRow>(Box::pin(contacts.map_ok(|key| key.id.to_string())), store).await?;
    let deals = crm
        .list::<Opportunity>()
        .project::<OpportunityKey>()
        .stream();
    removed +=
        sweep::<OpportunityRow>(Box::pin(deals.map_ok(|key| key.id.to_string())), store).await?;
    Ok(removed)
}

async fn sweep<R: Row>(mut ids: BoxStream<String>, store: &mut Store) -> Result<usize, SyncError> {
    // Only rows that existed before the list was read: a record that is created meanwhile may be missing in it.
    let mut missing = store.ids::<R>()?;
    while let Some(id) = ids.try_next().await? {
        missing.remove(&id);
    }
    Ok(store.remove::<R>(&missing)?)
}

#[derive(Projection)]
#[espo(entity = Account)]
struct AccountKey {
    id: Id<Account>,
}

#[derive(Projection)]
#[espo(entity = Contact)]
struct ContactKey {
    id: Id<Contact>,
}

#[derive(Projection)]
#[espo(entity = Opportunity)]
struct OpportunityKey {
    id: Id<Opportunity>,
}
