//! Argument values that several commands share, checked when they are parsed.

use std::path::{Component, Path, PathBuf};

use crate::failure::Failure;

/// A name in a list such as `--only Account, Contact`.
pub(crate) fn entity_type(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() {
        return Err(
            "empty name; separate names with single commas, as in Account,Contact".to_owned(),
        );
    }
    Ok(name.to_owned())
}

/// The URL of a site: http or https, with a host, without parameters.
pub(crate) fn base_url(url: &str) -> Result<(), Failure> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let is_base = rest.is_some_and(|rest| {
        !rest.is_empty()
            && !rest.starts_with(['/', ':'])
            && !rest.contains(|c: char| c.is_whitespace() || c.is_control() || c == '?' || c == '#')
    });
    let shown = without_credentials(url);
    if shown != url {
        return Err(Failure::Input(format!(
            "invalid URL `{shown}`: it contains credentials; set ESPO_USERNAME and ESPO_PASSWORD, or ESPO_API_KEY, instead"
        )));
    }
    if is_base {
        return Ok(());
    }
    Err(Failure::Input(format!(
        "invalid URL `{shown}`: expected the site's address, such as https://crm.example.com or http://localhost:8080/crm"
    )))
}

/// A URL as it may be shown: the user name and password are replaced.
fn without_credentials(url: &str) -> String {
    let start = url.find("://").map_or(0, |at| at + 3);
    let rest = &url[start..];
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    match authority.rfind('@') {
        Some(at) => format!("{}…{}", &url[..start], &rest[at..]),
        None => url.to_owned(),
    }
}

/// The name of a crate: the given name, or else the name of its directory.
pub(crate) fn crate_name(name: Option<String>, folder: &Path) -> Result<String, Failure> {
    let name = name.unwrap_or_else(|| last_component(folder));
    let expected = if !name.starts_with(|c: char| c.is_ascii_alphabetic())
        || !name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    {
        "expected a letter, then letters, digits, `-` and `_`"
    } else if name.len() > 64 {
        "expected at most 64 characters"
    } else if ["espo-core", "espo_core"].contains(&name.as_str()) {
        "the crate depends on another crate with this name"
    } else if ["alloc", "core", "proc_macro", "proc-macro", "std", "test"].contains(&name.as_str())
    {
        "it is the name of a crate in the Rust distribution"
    } else if is_keyword(&name) {
        "it is a Rust keyword"
    } else {
        return Ok(name);
    };
    Err(Failure::Input(format!(
        "invalid crate name `{}`: {expected}; set another with --crate-name, or `crate-name` under [generate]",
        shortened(&name)
    )))
}

/// The name of a directory that may be given as `x/..` or `.`.
fn last_component(folder: &Path) -> String {
    let mut resolved = PathBuf::new();
    for component in std::path::absolute(folder)
        .unwrap_or_else(|_| folder.to_path_buf())
        .components()
    {
        if component == Component::ParentDir {
            resolved.pop();
        } else {
            resolved.push(component);
        }
    }
    let name = resolved.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// The keywords of the 2024 edition, including reserved ones.
fn is_keyword(name: &str) -> bool {
    const KEYWORDS: &str = "Self abstract as async await become box break const continue crate do dyn else enum extern \
        false final fn for gen if impl in let loop macro match mod move mut override priv pub ref return self static \
        struct super trait true try type typeof unsafe unsized use virtual where while yield";
    KEYWORDS.split_whitespace().any(|keyword| keyword == name)
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= 64 {
        return text.to_owned();
    }
    text.chars().take(64).chain(['…']).collect()
}

/// A dependency as in a manifest: a version, with or without quotes, or a table on one line.
pub(crate) fn dependency(text: &str) -> Result<String, Failure> {
    let invalid = |reason: &str| {
        Failure::Input(format!(
            "invalid dependency on espo-core `{}`: {reason}; expected a version such as \"0.1\", or a table such as {{ path = \"../espo-core\" }}",
            shortened(text)
        ))
    };
    let version = |text: &str| {
        semver::VersionReq::parse(text)
            .map(|_| format!("{text:?}"))
            .map_err(|error| invalid(&error.to_string()))
    };
    let text = text.trim();
    if semver::VersionReq::parse(text).is_ok() && !text.is_empty() {
        return version(text);
    }
    if text.contains(['\n', '\r']) {
        return Err(invalid("it has several lines"));
    }
    let table: toml::Table = toml::from_str(&format!("dependency = {text}"))
        .map_err(|error| invalid(error.message()))?;
    match table.get("dependency") {
        Some(toml::Value::String(text)) => version(text),
        Some(toml::Value::Table(table)) => match dependency_table(table) {
            Ok(()) => Ok(text.to_owned()),
            Err(reason) => Err(invalid(&reason)),
        },
        _ => Err(invalid("it is neither a string nor a table")),
    }
}

/// Checks a dependency that is a table.
pub(crate) fn dependency_table(table: &toml::Table) -> Result<(), String> {
    const SOURCES: [&str; 4] = ["version", "path", "git", "workspace"];
    const OTHERS: [&str; 7] = [
        "branch",
        "tag",
        "rev",
        "registry",
        "package",
        "features",
        "default-features",
    ];
    if table.contains_key("optional") {
        return Err(
            "`optional` is not possible, because the generated code needs the crate".to_owned(),
        );
    }
    let is_known = |key: &str| SOURCES.contains(&key) || OTHERS.contains(&key);
    if let Some(key) = table.keys().find(|key| !is_known(key)) {
        return Err(format!("it has the unknown key `{key}`"));
    }
    if SOURCES.iter().any(|source| table.contains_key(*source)) {
        Ok(())
    } else {
        Err("it has none of `version`, `path`, `git` and `workspace`".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_urls_are_not_shown() {
        for (url, shown) in [
            ("https://u:p@h/x", "https://…@h/x"),
            ("u:p@h", "…@h"),
            ("https://u:p@q@h", "https://…@h"),
            ("https://h/a@b", "https://h/a@b"),
            ("https://h", "https://h"),
        ] {
            assert_eq!(without_credentials(url), shown);
        }
        let error = base_url("https://user:secret@h").unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn crate_names_that_cannot_be_built_are_rejected() {
        let long = "a".repeat(65);
        for (name, word) in [
            ("self", "keyword"),
            ("crate", "keyword"),
            ("fn", "keyword"),
            ("gen", "keyword"),
            ("std", "Rust distribution"),
            ("test", "Rust distribution"),
            ("espo-core", "depends on"),
            ("1crm", "expected a letter"),
            ("", "expected a letter"),
            ("a b", "expected a letter"),
            (&long, "at most 64"),
        ] {
            let error = crate_name(Some(name.to_owned()), Path::new("x")).unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        }
        for name in ["crm", "my-crm", "Crm2", "selfish"] {
            assert_eq!(
                crate_name(Some(name.to_owned()), Path::new("x")).unwrap(),
                name
            );
        }
    }

    #[test]
    fn crate_names_default_to_the_directory_in_any_spelling() {
        for folder in ["a/crm", "a/crm/", "a/crm/x/..", "a/b/../crm", "./a/./crm/."] {
            assert_eq!(
                crate_name(None, Path::new(folder)).unwrap(),
                "crm",
                "{folder}"
            );
        }
    }

    #[test]
    fn dependencies_are_read_as_cargo_reads_them() {
        for (text, expected) in [
            ("0.1", "\"0.1\""),
            ("12", "\"12\""),
            ("\"0.1\"", "\"0.1\""),
            ("'^0.1.2'", "\"^0.1.2\""),
            ("{ path = \"../c\" }", "{ path = \"../c\" }"),
            (" { version = \"1\" } ", "{ version = \"1\" }"),
        ] {
            assert_eq!(dependency(text).unwrap(), expected);
        }
        for text in [
            "",
            "''",
            "\"zzz\"",
            "{}",
            "{ path = ",
            "\"0.1\"\n[x]",
            "true",
            "{ features = [] }",
            "{ path = \"x\", y = 1 }",
            "{ path = \"x\", optional = true }",
            "0.1 # \"",
        ] {
            let error = dependency(text).unwrap_err().to_string();
            assert!(
                error.contains("expected a version such as"),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn site_urls_are_distinguished_from_other_text() {
        for url in [
            "https://crm.example.com",
            "http://[::1]:8080/crm/",
            "https://a/b%20c",
        ] {
            assert!(base_url(url).is_ok(), "{url}");
        }
        for url in [
            "",
            "foo",
            "ftp://x",
            "http://",
            "http:///x",
            "http://h/a?b=1",
            "http://h#x",
            "http://a b",
        ] {
            assert!(base_url(url).is_err(), "{url}");
        }
    }

    #[test]
    fn names_in_lists_are_trimmed_and_not_empty() {
        assert_eq!(entity_type(" Account "), Ok("Account".to_owned()));
        assert!(entity_type(" ").is_err());
    }
}
