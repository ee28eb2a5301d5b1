//! How the user interface lays records out.

use http::Method;
use serde_json::Value;

use crate::client::Client;
use crate::error::Error;
use crate::request::Request;

impl Client {
    /// A layout of an entity type: `list`, `detail`, `filters` and others.
    ///
    /// # Errors
    /// As any request; not found when there is none of that name.
    pub async fn layout(&self, entity_type: &str, name: &str) -> Result<Value, Error> {
        self.get_json(&[entity_type, "layout", name]).await
    }

    /// Replaces a layout (administrators), of a layout set or the standard one.
    ///
    /// # Errors
    /// As any request.
    pub async fn set_layout(
        &self,
        entity_type: &str,
        name: &str,
        set_id: Option<&str>,
        layout: &Value,
    ) -> Result<Value, Error> {
        let mut path = vec![entity_type, "layout", name];
        path.extend(set_id);
        let request = Request::new(Method::PUT, &path).json(layout);
        self.send(request).await?.json()
    }
}
