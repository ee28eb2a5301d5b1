//! `cargo xtask diff` and `cargo xtask drift`.

use std::path::PathBuf;

use espo_codegen::Generator;
use espo_schema::{Change, ChangeKind, Schema};
use serde_json::json;

use crate::{Failure, codegen, instance};

/// Arguments of `cargo xtask diff`.
#[derive(clap::Args)]
pub(crate) struct DiffArgs {
    /// The metadata before: a folder or a file.
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The metadata after.
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// Arguments of `cargo xtask drift`. Credentials come from the environment, as with `pull`.
#[derive(clap::Args)]
pub(crate) struct DriftArgs {
    /// The instance.
    #[arg(long, value_name = "URL")]
    url: String,
    /// The metadata that the code was generated from; may be repeated. Without it, the workspace's `metadata/`.
    #[arg(long = "metadata", value_name = "PATH")]
    metadata: Vec<PathBuf>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn diff(args: &DiffArgs) -> Result<(), Failure> {
    let (old, new) = (Schema::load(&[&args.old])?, Schema::load(&[&args.new])?);
    tell(&old, &new, &[], args.json)
}

pub(crate) fn drift(args: &DriftArgs) -> Result<(), Failure> {
    let metadata = if args.metadata.is_empty() {
        vec![codegen::root().join("metadata")]
    } else {
        args.metadata.clone()
    };
    let old = Schema::load(&metadata)?;
    let pulled = instance::pull(&args.url, false)?;
    let mut new = Schema::from_value(pulled.metadata, &args.url)?;
    let (mut hidden, mut new_entities) = (Vec::new(), Vec::new());
    if !pulled.is_complete {
        // Not to be seen is not to be gone.
        let entity_types = old.entity_types.iter();
        for (name, entity) in entity_types.filter(|(name, _)| !new.entity_types.contains_key(*name))
        {
            hidden.push(name.clone());
            new_entities.push((name.clone(), entity.clone()));
        }
        new.entity_types.extend(new_entities);
        if !hidden.is_empty() {
            espo_stdio::note!(
                "note: the user is no administrator; {} entity types that it does not see are not compared: {}",
                hidden.len(),
                hidden.join(", ")
            );
        }
    }
    tell(&old, &new, &hidden, args.json)
}

/// Prints what changed; an error if something of it breaks. Links to entity types that are hidden from the user are
/// hidden as well.
fn tell(old: &Schema, new: &Schema, hidden: &[String], as_json: bool) -> Result<(), Failure> {
    let is_hidden = |change: &Change| match &change.kind {
        ChangeKind::LinkRemoved {
            target: Some(target),
        } => hidden.contains(target),
        _ => false,
    };
    let changes = Schema::diff(old, new);
    let changes: Vec<Change> = changes
        .into_iter()
        .filter(|change| !is_hidden(change))
        .collect();
    let renamed = Generator::new().renamed(old, new)?;
    let (breaking, adding): (Vec<&Change>, Vec<&Change>) =
        changes.iter().partition(|change| change.breaking);
    let count = breaking.len() + renamed.len();
    if as_json {
        let renamed = renamed.iter().map(|renamed| {
            let name = &renamed.new;
            json!({"entity": name.entity, "member": name.wire, "what": name.kind.to_string(), "from": renamed.old,
                "to": name.rust, "breaking": true})
        });
        let report = json!({
            "version": 1,
            "breaking": count > 0,
            "changes": changes,
            "rustNames": renamed.collect::<Vec<_>>(),
        });
        espo_stdio::outln!("{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        for change in &breaking {
            espo_stdio::outln!("breaks  {change}")?;
        }
        for renamed in &renamed {
            espo_stdio::outln!("breaks  {renamed}")?;
        }
        for change in &adding {
            espo_stdio::outln!("        {change}")?;
        }
        espo_stdio::outln!("{count} breaking, {} other differences", adding.len())?;
    }
    if count > 0 {
        Err(Failure::Check(format!("{count} differences break callers")))
    } else {
        Ok(())
    }
}
