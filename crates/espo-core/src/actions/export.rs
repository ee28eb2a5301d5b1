//! Exports to CSV and XLSX.

use http::Method;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::job::sealed::Kind;
use super::{Job, JobStatus, Progress, Selection};
use crate::JsonObject;
use crate::error::Error;
use crate::typed::{Editable, Id, Records, Schema, Select};

/// An export that has not been sent yet; see [`Records::export`].
#[derive(Clone, Debug)]
#[must_use = "nothing is exported before `run` or `start`"]
pub struct Export<R> {
    records: Records<R>,
    selection: Selection<R>,
    format: ExportFormat,
    members: JsonObject,
}

/// The format of an export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExportFormat {
    /// Comma-separated values, with the delimiter of the instance.
    #[default]
    Csv,
    /// A spreadsheet.
    Xlsx,
}

impl<R: Editable> Records<R> {
    /// Exports records to a file; requires the export permission. The file becomes an attachment, which
    /// [`RecordRef::download`](crate::typed::RecordRef::download) downloads.
    pub fn export(&self, selection: Selection<R>) -> Export<R> {
        Export {
            records: self.clone(),
            selection,
            format: ExportFormat::Csv,
            members: JsonObject::new(),
        }
    }
}

impl<R: Editable> Export<R> {
    /// Sets the format; defaults to CSV.
    pub fn format(mut self, format: ExportFormat) -> Self {
        self.format = format;
        self
    }

    /// Exports only these fields, by their names in the metadata. XLSX files have one column per field.
    pub fn fields(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        self.members.insert("fieldList".to_owned(), json!(names));
        self
    }

    /// Exports only these attributes. CSV files have one column per attribute.
    pub fn attributes(mut self, attributes: impl Select<R>) -> Self {
        let names = attributes.names();
        self.members
            .insert("attributeList".to_owned(), json!(names));
        self
    }

    /// Sets parameters of the format, such as XLSX's `title`.
    pub fn params(mut self, params: JsonObject) -> Self {
        self.members
            .insert("params".to_owned(), Value::Object(params));
        self
    }

    fn body(&self, idle: bool) -> Result<Value, Error> {
        let mut body = self.selection.to_json()?;
        body.extend(self.members.clone());
        body.insert("entityType".to_owned(), json!(self.records.entity_type()));
        let format = match self.format {
            ExportFormat::Csv => "csv",
            ExportFormat::Xlsx => "xlsx",
        };
        body.insert("format".to_owned(), json!(format));
        if idle {
            body.insert("idle".to_owned(), json!(true));
        }
        Ok(Value::Object(body))
    }

    /// Exports now and returns the ID of the file.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] without the export permission. The export can take long: raise the client's
    /// timeout, or use [`Export::start`].
    pub async fn run(self) -> Result<Id<FileOf<R>>, Error> {
        #[derive(Deserialize)]
        struct Exported {
            id: String,
        }
        let body = self.body(false)?;
        let client = self.records.client();
        let exported: Exported = client.call_json(Method::POST, &["Export"], &body).await?;
        Ok(Id::new(exported.id))
    }

    /// Starts the export as a background job on the server ("idle mode").
    ///
    /// # Errors
    /// Returns the errors of [`Export::run`].
    pub async fn start(self) -> Result<ExportJob<FileOf<R>>, Error> {
        #[derive(Deserialize)]
        struct Started {
            #[serde(alias = "id", rename = "exportId")]
            export_id: String,
        }
        let body = self.body(true)?;
        let client = self.records.client();
        let started: Started = client.call_json(Method::POST, &["Export"], &body).await?;
        Ok(Job::resume(client, started.export_id))
    }
}

/// The entity type of the files that an export of `R` writes.
type FileOf<R> = <<R as Editable>::Schema as Schema>::Attachment;

/// An export that runs as a background job on the server; `A` is the entity type of files.
pub type ExportJob<A> = Job<ExportProgress<A>>;

/// The progress of a background export.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportProgress<A> {
    /// The state of the job.
    pub status: JobStatus,
    /// The ID of the file, once it has been written.
    pub file: Option<Id<A>>,
}

impl<'de, A> Deserialize<'de> for ExportProgress<A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Wire {
            status: JobStatus,
            #[serde(default)]
            attachment_id: Option<String>,
        }
        let wire = Wire::deserialize(deserializer)?;
        Ok(Self {
            status: wire.status,
            file: wire.attachment_id.map(Id::new),
        })
    }
}

impl<A: 'static> Kind for ExportProgress<A> {
    const PATH: &'static str = "Export";
}

impl<A: Send + 'static> Progress for ExportProgress<A> {
    fn status(&self) -> &JobStatus {
        &self.status
    }
}
