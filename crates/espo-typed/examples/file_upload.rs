//! Uploads a file with a document and downloads it again.
//!
//! `cargo run -p espo-typed --example file_upload`

mod common;

use espo_typed::espo_core::attachments::Upload;
use espo_typed::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (crm, _sim) = common::instance().await?;
    let contents = b"terms and conditions".repeat(1_000);

    // The server checks the file by the rules of the field that it is uploaded for.
    let upload = Upload::new("terms.txt", "text/plain", document::FILE_ID);
    let file = crm
        .records::<Attachment>()
        .upload(&upload, &contents)
        .await?;
    let file = &file.id;
    let new = DocumentNew::new(DocumentRequired {
        name: "Terms".into(),
        file_id: file.clone(),
        publish_date: date(2026, 1, 1),
    });
    let document = crm.create(new).await?;

    let mut back = Vec::new();
    let download = crm.record(file).download().await?;
    let bytes = download.write_to(&mut back).await?;
    let comparison = if back == contents {
        "the same"
    } else {
        "others"
    };
    println!("{bytes} bytes came back, {comparison}");

    crm.delete(&document.id).await?;
    Ok(())
}
