//! Category trees: folders of documents, categories of articles and so on.

use std::fmt;
use std::pin::Pin;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::JsonObject;
use crate::error::{DecodeFault, Error};
use crate::request::Request;
use crate::typed::roles::CategoryTree;
use crate::typed::{Decode, DecodeError, Id, IntoId, RecordRef, Records};

/// A part of a category tree.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Tree<R> {
    /// The categories on the top level of this part.
    pub nodes: Vec<TreeNode<R>>,
    /// The IDs from the root to the requested category.
    pub path: Vec<Id<R>>,
}

/// A category and its subcategories.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TreeNode<R> {
    /// The category.
    pub record: R,
    /// The subcategories; `None` below the deepest requested level.
    pub children: Option<Vec<TreeNode<R>>>,
}

/// The new position of a category.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreePlace {
    /// Below the other category.
    Into,
    /// Before the other category, on its level.
    Before,
    /// After the other category, on its level.
    After,
}

/// A category tree that has not been read yet; see [`Records::tree`].
#[must_use = "nothing is sent until the request is awaited"]
pub struct TreeRequest<R> {
    records: Records<R>,
    request: Request,
}

impl<R> fmt::Debug for TreeRequest<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TreeRequest").field(&self.request).finish()
    }
}

impl<R: CategoryTree> Records<R> {
    /// Reads the category tree; by default, its two top levels.
    pub fn tree(&self) -> TreeRequest<R> {
        TreeRequest {
            request: self.request(Method::GET, &["action", "listTree"]),
            records: self.clone(),
        }
    }
}

impl<R: CategoryTree> TreeRequest<R> {
    /// Requests only the categories below this one.
    pub fn below(self, parent: impl IntoId<R>) -> Self {
        self.query("parentId", parent.into_id())
    }

    /// Sets the number of levels.
    pub fn depth(self, levels: u32) -> Self {
        self.query("maxDepth", levels)
    }

    /// Leaves out categories without records.
    pub fn only_not_empty(self) -> Self {
        self.query("onlyNotEmpty", true)
    }

    fn query(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.request = self.request.query(name, value);
        self
    }

    /// Reads the tree.
    ///
    /// # Errors
    /// Fails with [`Error::is_not_found`] if the category does not exist. Also fails if a category cannot be decoded.
    pub async fn send(self) -> Result<Tree<R>, Error> {
        #[derive(Deserialize)]
        struct Wire {
            list: Vec<JsonObject>,
            #[serde(default)]
            path: Option<Vec<PathItem>>,
        }
        let response = self.records.client().send(self.request).await?;
        let wire: Wire = response.json()?;
        let nodes: Result<_, DecodeError> = wire.list.into_iter().map(node).collect();
        let path = wire.path.unwrap_or_default().into_iter();
        Ok(Tree {
            nodes: nodes
                .map_err(|error| Error::decode(&response, DecodeFault::new(error.to_string())))?,
            path: path
                .map(|item| match item {
                    PathItem::Id(id) | PathItem::Record { id } => Id::new(id),
                })
                .collect(),
        })
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum PathItem {
    Id(String),
    Record { id: String },
}

fn node<R: Decode>(mut row: JsonObject) -> Result<TreeNode<R>, DecodeError> {
    let children = match row.remove("childList") {
        Some(Value::Array(rows)) => {
            let children = rows
                .into_iter()
                .map(|row| node(JsonObject::decode_value(row)?));
            Some(children.collect::<Result<_, _>>()?)
        }
        _ => None,
    };
    Ok(TreeNode {
        record: R::decode_value(Value::Object(row))?,
        children,
    })
}

impl<R: CategoryTree> IntoFuture for TreeRequest<R> {
    type Output = Result<Tree<R>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl<R: CategoryTree> Records<R> {
    /// Reads the IDs of the top-level categories that have no subcategories.
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`](crate::Client::send).
    pub async fn leaves(&self) -> Result<Vec<Id<R>>, Error> {
        self.leaves_below(None).await
    }

    async fn leaves_below(&self, parent: Option<&Id<R>>) -> Result<Vec<Id<R>>, Error> {
        let mut request = self.request(Method::GET, &["action", "lastChildrenIdList"]);
        if let Some(parent) = parent {
            request = request.query("parentId", parent);
        }
        let ids: Vec<String> = self.client().send(request).await?.json()?;
        Ok(ids.into_iter().map(Id::new).collect())
    }
}

impl<R: CategoryTree> RecordRef<R> {
    /// Reads the IDs of the categories below this one that have no subcategories.
    ///
    /// # Errors
    /// Returns the errors of [`Client::send`](crate::Client::send).
    pub async fn leaves(&self) -> Result<Vec<Id<R>>, Error> {
        self.records().leaves_below(Some(self.id())).await
    }

    /// Moves the category to a position relative to another one (EspoCRM 9.0 and later).
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] without the right to edit it, and if the new position is below itself.
    pub async fn move_to(&self, place: TreePlace, reference: impl IntoId<R>) -> Result<(), Error> {
        let place = match place {
            TreePlace::Into => "into",
            TreePlace::Before => "before",
            TreePlace::After => "after",
        };
        let body = json!({
            "id": self.id().as_str(),
            "referenceId": reference.into_id().as_str(),
            "type": place,
        });
        let path = self.records().path(&["action", "move"]);
        self.client()
            .perform(Method::POST, &path, Some(&body))
            .await
    }
}
