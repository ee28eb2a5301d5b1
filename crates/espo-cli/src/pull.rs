//! `cargo xtask pull`.

use std::path::{Path, PathBuf};

use espo_schema::Schema;

use crate::{Failure, codegen, instance};

/// Arguments of `cargo xtask pull`. Credentials come from the environment: `ESPO_API_KEY`, with `ESPO_SECRET_KEY` for
/// one that signs, or `ESPO_USERNAME` and `ESPO_PASSWORD`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The instance.
    #[arg(long, value_name = "URL")]
    url: String,
    /// The file to write. Without it, `metadata.json` beside the workspace's `metadata/`.
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Leaves out the labels, which only the docs of the generated code show.
    #[arg(long)]
    no_labels: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let path = args
        .out
        .clone()
        .unwrap_or_else(|| codegen::root().join("metadata.json"));
    let pulled = instance::pull(&args.url, !args.no_labels)?;
    // What cannot be read later must not replace what can.
    let schema = Schema::from_value(pulled.metadata.clone(), &args.url)?;
    let text = serde_json::to_string_pretty(&pulled.metadata)? + "\n";
    write_whole(&path, &text)?;
    espo_stdio::outln!(
        "{} entity types from {} in {}",
        schema.entity_types.len(),
        args.url,
        path.display()
    )?;
    if !pulled.is_complete {
        espo_stdio::note!(
            "note: the user is no administrator, so the instance may have entity types and fields that are not in it"
        );
    }
    Ok(())
}

/// Writes beside the place and moves it there, so that an error leaves the earlier file whole.
fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let beside = path.with_extension("json.new");
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, path)
}
