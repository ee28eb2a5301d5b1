use http::Method;
use serde_json::Value;

use crate::error::Error;
use crate::request::Request;
use crate::typed::{Editable, IntoId, Records, Schema};

impl<R: Editable> Records<R> {
    /// Reads a layout of the entity type: `list`, `detail`, `filters` and others.
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] if the entity type has no layout with that name.
    pub async fn layout(&self, name: &str) -> Result<Value, Error> {
        self.client().get_json(&self.path(&["layout", name])).await
    }

    /// Replaces a standard layout (administrators only). Returns the layout.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] for users without administrator rights.
    pub async fn set_layout(&self, name: &str, layout: &Value) -> Result<Value, Error> {
        let request = Request::new(Method::PUT, &self.path(&["layout", name])).json(layout);
        self.client().send(request).await?.json()
    }

    /// Replaces a layout of a layout set (administrators only). Returns the layout.
    ///
    /// # Errors
    /// Returns the errors of [`Records::set_layout`].
    pub async fn set_layout_of(
        &self,
        set: impl IntoId<<R::Schema as Schema>::LayoutSet>,
        name: &str,
        layout: &Value,
    ) -> Result<Value, Error> {
        let set = set.into_id();
        let path = self.path(&["layout", name, set.as_str()]);
        let request = Request::new(Method::PUT, &path).json(layout);
        self.client().send(request).await?.json()
    }
}
