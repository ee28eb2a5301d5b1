use http::Method;
use serde_json::json;

use super::{AnyRecord, PagedRequest};
use crate::error::Error;
use crate::typed::link::{LinkOf, Relatable};
use crate::typed::roles::OptOutList;
use crate::typed::{AnyRef, RecordRef};

impl<L: OptOutList> RecordRef<L> {
    /// Marks a member of the target list, such as a contact, as opted out.
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] if the list or the member does not exist.
    pub async fn opt_out(&self, member: impl Into<AnyRef>) -> Result<(), Error> {
        self.target("optOut", member.into()).await
    }

    /// Cancels the opt-out of a member.
    ///
    /// # Errors
    /// Returns the errors of [`RecordRef::opt_out`].
    pub async fn cancel_opt_out(&self, member: impl Into<AnyRef>) -> Result<(), Error> {
        self.target("cancelOptOut", member.into()).await
    }

    async fn target(&self, action: &str, member: AnyRef) -> Result<(), Error> {
        let path = self.records().path(&["action", action]);
        let body = json!({
            "id": self.id().as_str(),
            "targetType": member.entity_type,
            "targetId": member.id,
        });
        self.client()
            .perform(Method::POST, &path, Some(&body))
            .await
    }

    /// Lists the members that opted out.
    pub fn opted_out(&self) -> PagedRequest<AnyRecord> {
        PagedRequest::new(self.client(), &self.path(&["optedOut"]))
    }

    /// Removes all members of one entity type, such as `target_list::links::CONTACTS`.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] without the right to edit the list.
    pub async fn unlink_all<K: LinkOf<L>>(&self, link: K) -> Result<(), Error>
    where
        K::Kind: Relatable,
    {
        let path = self.records().path(&["action", "unlinkAll"]);
        let link = link.into_name();
        let body = json!({"id": self.id().as_str(), "link": link});
        self.client()
            .perform(Method::POST, &path, Some(&body))
            .await
    }
}
