//! Options of enum-like fields, and named patterns.

use serde_json::{Map, Value};

use crate::def::{Def, option_texts};
use crate::model::{Diagnostic, Options, OptionsSource, Pattern};

/// Maximum number of references that are followed in a chain, which also ends cycles.
const MAX_HOPS: usize = 8;

/// Finds the options of a field. `optionsPath` takes precedence over `optionsReference`, which takes precedence over
/// `options`.
pub(super) fn resolve_options(
    def: Def<'_>,
    path: &str,
    root: &Map<String, Value>,
    diagnostics: &mut Vec<Diagnostic>,
) -> (Options, OptionsSource) {
    let source = source_of(def);
    let options = follow(def, root, MAX_HOPS);
    let options = options.unwrap_or_else(|message| {
        diagnostics.push(Diagnostic::warning(
            path.to_owned(),
            format!("{message}; any value is allowed"),
        ));
        Options::Any
    });
    (options, source)
}

fn source_of(def: Def<'_>) -> OptionsSource {
    if let Some(path) = def.text("optionsPath") {
        return OptionsSource::Path(path);
    }
    if let Some(reference) = def.text("optionsReference") {
        return match reference.split_once('.') {
            Some((entity, field)) => OptionsSource::Reference {
                entity: entity.to_owned(),
                field: field.to_owned(),
            },
            None => OptionsSource::None,
        };
    }
    if def
        .get("options")
        .is_some_and(|v| v.is_array() || v.is_object())
    {
        OptionsSource::Own
    } else {
        OptionsSource::None
    }
}

fn follow(def: Def<'_>, root: &Map<String, Value>, hops: usize) -> Result<Options, String> {
    if let Some(path) = def.text("optionsPath") {
        return at_path(root, &path)
            .and_then(option_texts)
            .map(Options::Listed)
            .ok_or_else(|| format!("optionsPath `{path}` does not refer to a list"));
    }
    if let Some(reference) = def.text("optionsReference") {
        let found = reference.split_once('.').and_then(|(entity, field)| {
            at_path(root, "entityDefs")?
                .get(entity)?
                .get("fields")?
                .get(field)?
                .as_object()
        });
        return match found {
            Some(other) if hops > 0 => follow(Def(other), root, hops - 1),
            Some(_) => Err(format!("optionsReference `{reference}` is circular")),
            None => Err(format!(
                "optionsReference `{reference}` does not refer to a field"
            )),
        };
    }
    match def.get("options") {
        None | Some(Value::Bool(false)) => Ok(Options::Any),
        Some(value) => option_texts(value).map(Options::Listed).ok_or_else(|| {
            format!(
                "options are {}, expected a list",
                crate::shape::describe(value)
            )
        }),
    }
}

fn at_path<'a>(root: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let mut keys = path.split('.');
    let first = root.get(keys.next()?)?;
    keys.try_fold(first, |value, key| value.get(key))
}

/// Named patterns. An export that was reduced to the entity sections lacks `app.regExpPatterns`; these are the
/// patterns of a stock server.
const NAMED_PATTERNS: [(&str, &str); 11] = [
    ("noBadCharacters", "[^<>=]+"),
    (
        "noAsciiSpecialCharacters",
        "[^`~!@#$%^&*()_+={}\\[\\]|\\\\:;\"'<,>.?]+",
    ),
    ("latinLetters", "[A-Za-z]+"),
    ("latinLettersDigits", "[A-Za-z0-9]+"),
    ("latinLettersDigitsWhitespace", "[A-Za-z0-9 ]+"),
    ("latinLettersWhitespace", "[A-Za-z ]+"),
    ("digits", "[0-9]+"),
    ("id", "[A-Za-z0-9_=\\-.]+"),
    ("phoneNumberLoose", "[0-9A-Za-z_@:#+()\\-. ]+"),
    (
        "uriOptionalProtocol",
        "([a-zA-Z0-9]+://)?[^\\s/]+\\.[^\\s]+",
    ),
    ("uri", "[a-zA-Z0-9]+:[^\\s]+"),
];

/// The expression behind a `pattern`.
pub(super) fn resolve_pattern(
    source: String,
    path: &str,
    root: &Map<String, Value>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Pattern {
    let regex = match source.strip_prefix('$') {
        None => Some(source.clone()),
        Some(name) => {
            let given = at_path(root, "app.regExpPatterns")
                .and_then(|p| p.get(name)?.get("pattern")?.as_str());
            let known = || {
                NAMED_PATTERNS
                    .iter()
                    .find(|(n, _)| *n == name)
                    .map(|(_, regex)| *regex)
            };
            given.or_else(known).map(str::to_owned)
        }
    };
    if regex.is_none() {
        diagnostics.push(Diagnostic::warning(
            path.to_owned(),
            format!("unknown pattern `{source}`; values are not checked"),
        ));
    }
    Pattern { source, regex }
}
