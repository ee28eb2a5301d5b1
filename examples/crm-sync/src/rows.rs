//! The attributes that are copied, and their tables.

use crm::prelude::*;
use rusqlite::{Transaction, params};

use crate::store::Row;

/// An account. The compiler checks the names and types against the entity type, and only these attributes are requested.
#[derive(Debug, Projection)]
#[espo(entity = Account)]
pub struct AccountRow {
    id: Id<Account>,
    name: Option<String>,
    website: Option<String>,
    c_region: Option<account::CRegion>,
    modified_at: Timestamp,
}

impl Row for AccountRow {
    const TABLE: &'static str = "account";
    const CREATE: &'static str = "CREATE TABLE IF NOT EXISTS account (id TEXT PRIMARY KEY, name TEXT, website TEXT, \
                                  region TEXT, modified_at TEXT NOT NULL)";

    fn modified_at(&self) -> Timestamp {
        self.modified_at
    }

    fn save(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        transaction
            .prepare_cached("INSERT OR REPLACE INTO account VALUES (?, ?, ?, ?, ?)")?
            .execute(params![
                self.id.as_str(),
                self.name,
                self.website,
                self.c_region.as_ref().map(|region| region.as_str()),
                self.modified_at.to_string(),
            ])?;
        Ok(())
    }
}

/// A contact.
#[derive(Debug, Projection)]
#[espo(entity = Contact)]
pub struct ContactRow {
    id: Id<Contact>,
    name: Option<String>,
    email_address: Option<String>,
    account_id: Option<Id<Account>>,
    modified_at: Timestamp,
}

impl Row for ContactRow {
    const TABLE: &'static str = "contact";
    const CREATE: &'static str = "CREATE TABLE IF NOT EXISTS contact (id TEXT PRIMARY KEY, name TEXT, email TEXT, \
                                  account_id TEXT, modified_at TEXT NOT NULL)";

    fn modified_at(&self) -> Timestamp {
        self.modified_at
    }

    fn save(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        transaction
            .prepare_cached("INSERT OR REPLACE INTO contact VALUES (?, ?, ?, ?, ?)")?
            .execute(params![
                self.id.as_str(),
                self.name,
                self.email_address,
                self.account_id.as_ref().map(|id| id.as_str()),
                self.modified_at.to_string(),
            ])?;
        Ok(())
    }
}

/// An opportunity. The amount keeps its digits: SQLite stores it as text.
#[derive(Debug, Projection)]
#[espo(entity = Opportunity)]
pub struct OpportunityRow {
    id: Id<Opportunity>,
    name: Option<String>,
    stage: Option<opportunity::Stage>,
    amount: Option<Decimal>,
    amount_currency: Option<String>,
    close_date: Option<Date>,
    account_id: Option<Id<Account>>,
    modified_at: Timestamp,
}

impl Row for OpportunityRow {
    const TABLE: &'static str = "opportunity";
    const CREATE: &'static str = "CREATE TABLE IF NOT EXISTS opportunity (id TEXT PRIMARY KEY, name TEXT, stage TEXT, \
                                  amount TEXT, currency TEXT, close_date TEXT, account_id TEXT, modified_at TEXT NOT NULL)";

    fn modified_at(&self) -> Timestamp {
        self.modified_at
    }

    fn save(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        transaction
            .prepare_cached("INSERT OR REPLACE INTO opportunity VALUES (?, ?, ?, ?, ?, ?, ?, ?)")?
            .execute(params![
                self.id.as_str(),
                self.name,
                // An option that an administrator adds later is stored unchanged.
                self.stage.as_ref().map(|stage| stage.as_str()),
                self.amount.map(|amount| amount.to_string()),
                self.amount_currency,
                self.close_date.map(|date| date.to_string()),
                self.account_id.as_ref().map(|id| id.as_str()),
                self.modified_at.to_string(),
            ])?;
        Ok(())
    }
}
