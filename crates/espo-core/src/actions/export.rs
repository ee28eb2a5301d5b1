//! Exports to CSV and XLSX.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::job::sealed::Kind;
use super::{Job, JobStatus, Progress, Selection};
use crate::JsonObject;
use crate::client::Client;
use crate::error::Error;

/// An export, being described; see [`Client::export`].
#[derive(Clone, Debug)]
#[must_use = "nothing is exported before `run` or `start`"]
pub struct Export<'c> {
    client: &'c Client,
    entity_type: String,
    which: Selection,
    format: Format,
    members: JsonObject,
}

/// What an export is written as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Comma-separated, with the instance's delimiter.
    #[default]
    Csv,
    /// A spreadsheet.
    Xlsx,
}

impl Client {
    /// Exports records of `entity_type`; needs the export permission. The file
    /// becomes an attachment: download it with
    /// [`Attachments::download`](crate::attachments::Attachments::download).
    pub fn export(&self, entity_type: impl Into<String>, which: Selection) -> Export<'_> {
        Export {
            client: self,
            entity_type: entity_type.into(),
            which,
            format: Format::Csv,
            members: JsonObject::new(),
        }
    }
}

impl Export<'_> {
    /// What to write; CSV by default.
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    fn list<I>(mut self, key: &str, names: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        self.members.insert(key.to_owned(), json!(names));
        self
    }

    /// These fields only, by field name (XLSX goes by fields).
    pub fn fields<I>(self, names: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.list("fieldList", names)
    }

    /// These attributes only, by attribute name (CSV goes by attributes).
    pub fn attributes<I>(self, names: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.list("attributeList", names)
    }

    /// Parameters of the format, such as XLSX's `title`.
    pub fn params(mut self, params: JsonObject) -> Self {
        self.members
            .insert("params".to_owned(), Value::Object(params));
        self
    }

    fn body(&self, idle: bool) -> Result<Value, Error> {
        let mut body = self.which.to_json()?;
        body.extend(self.members.clone());
        body.insert("entityType".to_owned(), json!(self.entity_type));
        let format = match self.format {
            Format::Csv => "csv",
            Format::Xlsx => "xlsx",
        };
        body.insert("format".to_owned(), json!(format));
        if idle {
            body.insert("idle".to_owned(), json!(true));
        }
        Ok(Value::Object(body))
    }

    /// Exports now and answers the attachment's id.
    ///
    /// # Errors
    /// As any request. It may take long: raise the client's time limit or use
    /// [`Export::start`].
    pub async fn run(self) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct Exported {
            id: String,
        }
        let body = self.body(false)?;
        let exported: Exported = self
            .client
            .call_json(Method::POST, &["Export"], &body)
            .await?;
        Ok(exported.id)
    }

    /// Exports in the background of the server ("idle mode").
    ///
    /// # Errors
    /// As any request.
    pub async fn start(self) -> Result<ExportJob, Error> {
        #[derive(Deserialize)]
        struct Started {
            #[serde(alias = "id", rename = "exportId")]
            export_id: String,
        }
        let body = self.body(true)?;
        let started: Started = self
            .client
            .call_json(Method::POST, &["Export"], &body)
            .await?;
        Ok(Job::resume(self.client, started.export_id))
    }
}

/// An export that the server does in the background.
pub type ExportJob = Job<ExportProgress>;

/// How far an export in the background has come.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ExportProgress {
    /// Where it stands.
    pub status: JobStatus,
    /// The file, once it is there.
    #[serde(default)]
    pub attachment_id: Option<String>,
}

impl Kind for ExportProgress {
    const PATH: &'static str = "Export";
}

impl Progress for ExportProgress {
    fn status(&self) -> &JobStatus {
        &self.status
    }
}
