//! A file goes up with a document and comes back.
//!
//! `cargo run -p espo-typed --example file_upload`

mod common;

use espo_typed::espo_core::attachments::{Place, Upload};
use espo_typed::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (crm, _sim) = common::instance().await?;
    let contents = b"terms and conditions".repeat(1_000);

    // The place tells the server by which field's rules to check the file.
    let upload = Upload::new("terms.txt", "text/plain", Place::file("Document", "file"));
    let file = crm.attachments().upload(&upload, &contents).await?;
    let new = DocumentNew::new("Terms", Id::new(&file.id), date(2026, 1, 1));
    let document = crm.create(new).await?;

    let file = document
        .file_id
        .as_ref()
        .ok_or("the document has its file")?;
    let mut back = Vec::new();
    let bytes = crm
        .attachments()
        .download(file)
        .await?
        .write_to(&mut back)
        .await?;
    println!(
        "{bytes} bytes came back, {}",
        if back == contents {
            "the same"
        } else {
            "others"
        }
    );
    Ok(())
}
