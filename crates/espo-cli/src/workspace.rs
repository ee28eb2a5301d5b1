//! The Cargo workspace that a generated crate is in.

use std::path::Path;

use toml::{Table, Value};

/// Advice for a new crate in a workspace that does not list it: Cargo rejects such a crate until another member depends on
/// it.
pub(crate) fn advice(folder: &Path) -> Option<String> {
    let folder = std::path::absolute(folder).ok()?;
    let (root, workspace) = folder.ancestors().skip(1).find_map(|root| {
        let text = std::fs::read_to_string(root.join("Cargo.toml")).ok()?;
        let mut manifest: Table = text.parse().ok()?;
        match manifest.remove("workspace")? {
            Value::Table(workspace) => Some((root, workspace)),
            _ => None,
        }
    })?;
    let inside = folder.strip_prefix(root).ok()?;
    let inside: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
    let inside = inside.join("/");
    let lists = |key: &str| {
        let patterns = workspace.get(key).and_then(Value::as_array);
        let mut patterns = patterns.into_iter().flatten().filter_map(Value::as_str);
        patterns.any(|pattern| is_match(pattern, &inside))
    };
    (!lists("members") && !lists("exclude")).then(|| {
        format!(
            "note: {} is a workspace that does not list the new crate; add \"{inside}\" to its members, or to the dependencies of a \
             member",
            root.join("Cargo.toml").display()
        )
    })
}

/// Whether a path matches a pattern, in which `*` stands for the rest of a component.
fn is_match(pattern: &str, path: &str) -> bool {
    let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
    let (mut patterns, mut parts) = (pattern.split('/'), path.split('/'));
    loop {
        match (patterns.next(), parts.next()) {
            (None, None) => return true,
            // An excluded directory excludes those below it, and so does `**`.
            (Some("**"), Some(_)) => return true,
            (Some(pattern), Some(part)) => {
                let is_it = match pattern.split_once('*') {
                    Some((start, end)) => {
                        part.len() >= start.len() + end.len()
                            && part.starts_with(start)
                            && part.ends_with(end)
                    }
                    None => pattern == part,
                };
                if !is_it {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::advice;

    #[test]
    fn new_crates_that_the_workspace_does_not_list_are_noted() {
        let folder = tempfile::tempdir().expect("a directory");
        let manifest = folder.path().join("Cargo.toml");
        for (workspace, path, expected) in [
            ("[workspace]\nmembers = [\"app\"]\n", "crm", true),
            ("[workspace]\nmembers = [\"app\", \"crm/\"]\n", "crm", false),
            (
                "[workspace]\nmembers = [\"crates/*\"]\n",
                "crates/crm",
                false,
            ),
            ("[workspace]\nmembers = [\"crates/*\"]\n", "crm", true),
            ("[workspace]\nexclude = [\"crm\"]\n", "crm", false),
            ("[package]\nname = \"app\"\n", "crm", false),
        ] {
            std::fs::write(&manifest, workspace).expect("written");
            let found = advice(&folder.path().join(path));
            assert_eq!(found.is_some(), expected, "{workspace}: {found:?}");
        }
    }
}
