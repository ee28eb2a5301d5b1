//! Rust names for the names in the metadata.
//!
//! The rule is stable: a name depends on the wire name alone, unless two wire names of one scope would become the
//! same Rust name. Then the name that follows EspoCRM's conventions is kept (for options: the one that is listed first,
//! since new options are added at the end), and each of the others gets a suffix derived from its wire name, so that
//! adding a field never changes the name of an unrelated one. Characters that EspoCRM does not use in names of fields and
//! entity types are words or marks in the Rust name, so that an ordinary name cannot take the place of such a name.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use heck::{ToLowerCamelCase, ToShoutySnakeCase, ToSnakeCase, ToUpperCamelCase};
use unicode_normalization::UnicodeNormalization as _;

/// Wire name to Rust name.
pub type Plan = BTreeMap<String, String>;

/// Names of attributes, fields, links, columns and modules: `snake_case`.
pub fn snake_plan<'a>(wire: impl IntoIterator<Item = &'a str>, reserved: &[&str]) -> Plan {
    let reserved: HashSet<&str> = reserved.iter().copied().collect();
    plan(
        wire,
        |name| reserved.contains(name),
        snake,
        |wire, rust| rust.to_lower_camel_case() == wire,
        "_",
        Case::Snake,
    )
}

/// Names of modules, which are also names of files: `snake_case` in ASCII, because a module whose name is not ASCII
/// cannot have a file.
pub fn module_plan<'a>(wire: impl IntoIterator<Item = &'a str>, reserved: &[&str]) -> Plan {
    let convert = |wire: &str| {
        let name = snake(wire);
        if name.is_ascii() {
            return name;
        }
        let ascii = name.replace(|c: char| !c.is_ascii(), "");
        match ascii.trim_matches('_') {
            "" => format!("x{:08x}", fnv(wire)),
            ascii => {
                let start = &ascii[..ascii.len().min(LONGEST)];
                identifier(wire, &format!("{start}_x{:08x}", fnv(wire)), "x")
            }
        }
    };
    plan(
        wire,
        |name| reserved.contains(&name),
        convert,
        |wire, rust| rust.to_lower_camel_case() == wire,
        "_",
        Case::Snake,
    )
}

/// Names of Cargo features for modules that are already planned: `kebab-case`. Names of features that enable several
/// entity types, or a feature of `espo-core`, are reserved.
pub fn feature_plan(modules: &Plan) -> Plan {
    let convert = |wire: &str| match modules[wire].trim_matches('_') {
        "" => format!("x{:08x}", fnv(wire)),
        name => name.replace('_', "-"),
    };
    let canonical = |wire: &str, rust: &str| modules[wire].replace('_', "-") == rust;
    plan(
        modules.keys().map(String::as_str),
        |name| {
            matches!(name, "default" | "all" | crate::emit::LABELS)
                || crate::output::manifest::PASSED_ON.contains(&name)
        },
        convert,
        canonical,
        "-entity",
        Case::Snake,
    )
}

/// Suffixes of names that are derived from each entity type's name.
pub(crate) const SUFFIXES: [&str; 5] = ["New", "Patch", "Ref", "Required", "Write"];

/// Names of entity types: unchanged if they are valid Rust type names, otherwise in `UpperCamelCase`.
pub fn entity_plan<'a>(wire: impl IntoIterator<Item = &'a str>, reserved: &[&str]) -> Plan {
    let is_type_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.chars().all(|c| c.is_ascii_alphanumeric())
    };
    let convert = |name: &str| {
        if is_type_name(name) && name != "Self" {
            return shortened(name.to_owned(), name, "X");
        }
        let rust = type_name(name, |_| false);
        // An ordinary name may differ from this one by its first letter alone.
        let is_lossy = is_type_name(&rust) && name.chars().all(char::is_alphanumeric);
        marked(rust, name, is_lossy, "X")
    };
    let mut plan = plan(
        wire,
        |name| reserved.contains(&name),
        convert,
        |wire, rust| wire == rust,
        "Entity",
        Case::Type,
    );
    // `AccountNew` is always the type of creates of an `Account`, even if another entity type has that name.
    let names: BTreeSet<String> = plan.values().cloned().collect();
    for rust in plan.values_mut() {
        let goes_with_another = SUFFIXES.iter().any(|suffix| {
            rust.strip_suffix(suffix)
                .is_some_and(|base| names.contains(base))
        });
        if goes_with_another {
            rust.push_str("Entity");
        }
    }
    plan
}

/// Names of the enums of an entity type's fields: `UpperCamelCase`.
pub(crate) fn type_plan<'a>(
    wire: impl IntoIterator<Item = &'a str>,
    is_reserved: impl Fn(&str) -> bool,
) -> Plan {
    enum_plan(wire, is_reserved, is_separator)
}

/// Names of the enums that fields of several entity types share, each of them named `Entity.field`.
pub(crate) fn shared_type_plan<'a>(
    wire: impl IntoIterator<Item = &'a str>,
    is_reserved: impl Fn(&str) -> bool,
) -> Plan {
    enum_plan(wire, is_reserved, |c| c == '.' || is_separator(c))
}

fn enum_plan<'a>(
    wire: impl IntoIterator<Item = &'a str>,
    is_reserved: impl Fn(&str) -> bool,
    is_separator: impl Fn(char) -> bool,
) -> Plan {
    plan(
        wire,
        is_reserved,
        |wire| type_name(wire, &is_separator),
        |wire, rust| rust.to_lower_camel_case() == wire,
        "Option",
        Case::Camel,
    )
}

/// Names of an enum's options: `UpperCamelCase`; the empty option is `Blank`.
pub fn variant_plan<'a>(options: impl IntoIterator<Item = &'a str>) -> Plan {
    let convert = |text: &str| {
        if text.is_empty() {
            "Blank".to_owned()
        } else {
            spelt(text)
        }
    };
    let reserved = |text: &str, rust: &str| {
        matches!(rust, "Unknown" | "Self" | "ALL") || rust == "Blank" && !text.is_empty()
    };
    let mut places = HashMap::new();
    for text in options {
        let next = places.len();
        places.entry(text).or_insert(next);
    }
    let names = places.keys().map(|text| {
        let name = convert(text);
        let name = if reserved(text, &name) {
            name + "Option"
        } else {
            name
        };
        ((*text).to_owned(), name)
    });
    let first = |wires: &[String], _: &Plan| {
        wires
            .iter()
            .min_by_key(|wire| places[wire.as_str()])
            .cloned()
    };
    settle(names.collect(), first, Case::Camel)
}

/// The name of an option. Symbols that distinguish it from another option are words in it, so that `F#` does not take
/// the name that `F` has as soon as it is an option too; others become a mark.
fn spelt(text: &str) -> String {
    let (words, is_lossy) = spell(text, |c| {
        c.is_whitespace() || "-_/\\.,:;&|'\"`()[]{}–—’‘“”„«»…·•".contains(c)
    });
    let name = cut(identifier(text, &words.to_upper_camel_case(), "X"), text);
    marked(name, text, is_lossy, "X")
}

/// The text in composed characters with symbols as words, and whether it has characters that are lost in a name, apart
/// from separators.
fn spell(text: &str, is_separator: impl Fn(char) -> bool) -> (Cow<'_, str>, bool) {
    const WORDS: [(char, &str); 24] = [
        ('_', "Underscore"),
        ('-', "Dash"),
        ('.', "Dot"),
        ('#', "Hash"),
        ('+', "Plus"),
        ('%', "Percent"),
        ('<', "Less"),
        ('>', "Greater"),
        ('=', "Equal"),
        ('*', "Star"),
        ('@', "At"),
        ('!', "Not"),
        ('?', "Question"),
        ('~', "About"),
        ('^', "Caret"),
        ('$', "Dollar"),
        ('€', "Euro"),
        ('£', "Pound"),
        ('¥', "Yen"),
        ('°', "Degree"),
        ('±', "PlusMinus"),
        ('≤', "LessEqual"),
        ('≥', "GreaterEqual"),
        ('≠', "NotEqual"),
    ];
    if text
        .bytes()
        .all(|byte| byte == b'_' && is_separator('_') || byte.is_ascii_alphanumeric())
    {
        return (Cow::Borrowed(text), false);
    }
    let (mut words, mut is_lossy) = (String::new(), false);
    for c in text.nfc() {
        let word = WORDS
            .iter()
            .find(|(symbol, _)| *symbol == c && !is_separator(c));
        if let Some((_, word)) = word {
            words.push(' ');
            words.push_str(word);
            words.push(' ');
        } else {
            // Accents that belong to no single character, and tone marks of some scripts, are not kept either.
            is_lossy |= !c.is_alphanumeric() && !c.is_control() && !is_separator(c);
            words.push(c);
        }
    }
    (Cow::Owned(words), is_lossy)
}

/// The name with a mark of the wire name if characters were lost, so that it differs from the name of a wire name
/// without them.
fn marked(name: String, wire: &str, is_lossy: bool, joint: &str) -> String {
    let mark = format!("{:08x}", fnv(wire));
    if is_lossy && !name.ends_with(&mark) {
        format!("{name}{joint}{mark}")
    } else {
        name
    }
}

/// Whether a character is lost in names of fields and types without a mark. Names created in EspoCRM's administration
/// contain only letters and digits; two fields that differ only in underscores have the same column.
fn is_separator(c: char) -> bool {
    c == '_'
}

fn plan<'a>(
    wire: impl IntoIterator<Item = &'a str>,
    is_reserved: impl Fn(&str) -> bool,
    convert: impl Fn(&str) -> String,
    canonical: impl Fn(&str, &str) -> bool,
    suffix: &str,
    case: Case,
) -> Plan {
    let names = wire.into_iter().map(|wire| {
        let name = convert(wire);
        let name = if is_reserved(&name) {
            name + suffix
        } else {
            name
        };
        (wire.to_owned(), name)
    });
    let keeper = |wires: &[String], plan: &Plan| {
        let keeper = wires.iter().find(|wire| canonical(wire, &plan[*wire]));
        keeper.cloned()
    };
    settle(names.collect(), keeper, case)
}

/// The case of the names in a plan. It cannot be derived from a name, because many scripts have no case.
#[derive(Clone, Copy, PartialEq)]
enum Case {
    Snake,
    Camel,
    /// Names that nothing else is named after. They may be equal but for their case.
    Type,
}

/// Makes the names of a plan unique, in upper case as well, because constants are named after them. If several wire
/// names would have the same name, `keeper` selects the one that keeps it.
fn settle(mut plan: Plan, keeper: impl Fn(&[String], &Plan) -> Option<String>, case: Case) -> Plan {
    let mut owners: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (wire, rust) in &plan {
        let key = match case {
            Case::Type => rust.clone(),
            Case::Snake | Case::Camel => rust.to_uppercase(),
        };
        owners.entry(key).or_default().push(wire.clone());
    }
    for wires in owners.into_values().filter(|wires| wires.len() > 1) {
        let keeper = keeper(&wires, &plan);
        for wire in wires.iter().filter(|wire| Some(*wire) != keeper.as_ref()) {
            if let Some(rust) = plan.get_mut(wire) {
                let joint = match case {
                    Case::Camel | Case::Type => "X",
                    Case::Snake if rust.ends_with('_') => "x",
                    Case::Snake => "_x",
                };
                *rust = format!("{rust}{joint}{:08x}", fnv(wire));
            }
        }
    }
    plan
}

/// Returns the name in `snake_case`, as a valid Rust identifier for any input.
pub fn snake(wire: &str) -> String {
    let (words, is_lossy) = spell(wire, is_separator);
    let name = shortened(identifier(wire, &words.to_snake_case(), "x"), wire, "_x");
    marked(name, wire, is_lossy, "_x")
}

/// Returns the name in `UpperCamelCase`, as a valid Rust identifier for any input.
pub fn upper_camel(wire: &str) -> String {
    type_name(wire, is_separator)
}

fn type_name(wire: &str, is_separator: impl Fn(char) -> bool) -> String {
    let (words, is_lossy) = spell(wire, is_separator);
    let name = cut(identifier(wire, &words.to_upper_camel_case(), "X"), wire);
    marked(name, wire, is_lossy, "X")
}

/// An option can be a whole sentence.
fn cut(mut name: String, wire: &str) -> String {
    if let Some((end, _)) = name.char_indices().nth(60) {
        name.truncate(end);
        name += &format!("X{:08x}", fnv(wire));
    }
    shortened(name, wire, "X")
}

/// The length in bytes from which names are shortened. File systems allow file names of 255 bytes; modules are files, and
/// rustdoc writes a file for each type and constant, whose names have prefixes and suffixes.
const LONGEST: usize = 120;

/// The name, or its beginning and a mark of the wire name if it is too long. The name of the constant counts as well, since
/// some characters are longer in upper case.
fn shortened(mut name: String, wire: &str, joint: &str) -> String {
    let is_short = |name: &str| name.len().max(name.to_uppercase().len()) <= LONGEST;
    if is_short(&name) {
        return name;
    }
    while !is_short(&name) {
        name.pop();
    }
    // Two underscores in a row are not `snake_case`.
    name.truncate(name.trim_end_matches('_').len());
    format!("{name}{joint}{:08x}", fnv(wire))
}

/// The name of the method that sets a field to null, for the planned name of its setter.
pub(crate) fn clear(setter: &str) -> String {
    // Underscores keep the setter's name from being a keyword or starting with a digit.
    format!("clear_{}", setter.trim_matches('_'))
}

/// Returns the name of a constant for a planned `snake_case` name.
pub fn constant(snake: &str) -> String {
    let name = snake.to_uppercase();
    // The planned name is unique in upper case; heck would drop a leading or trailing underscore.
    if name.chars().all(|c| c == '_') {
        snake.to_shouty_snake_case()
    } else {
        name
    }
}

/// A planned name as an identifier, raw if it is a keyword.
pub fn ident(name: &str) -> Cow<'_, str> {
    match KEYWORDS.binary_search(&name) {
        Ok(_) => Cow::Owned(format!("r#{name}")),
        Err(_) => Cow::Borrowed(name),
    }
}

/// Whether a planned name is a keyword and must therefore be a raw identifier.
pub(crate) fn is_keyword(name: &str) -> bool {
    KEYWORDS.binary_search(&name).is_ok()
}

/// Rust's keywords up to edition 2024, including reserved ones; sorted. Planned names are never keywords that cannot
/// be raw identifiers.
const KEYWORDS: [&str; 48] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
    "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return",
    "static", "struct", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use",
    "virtual", "where", "while", "yield",
];

/// Invisible characters that change how text is displayed, such as those that change its direction, which the
/// compiler rejects.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{061c}' | '\u{feff}')
}

fn identifier(wire: &str, converted: &str, filler: &str) -> String {
    /// Keywords that cannot be raw identifiers.
    const NEVER_RAW: [&str; 5] = ["self", "Self", "super", "crate", "_"];
    let mut name: String = converted
        .chars()
        .filter(|c| unicode_ident::is_xid_continue(*c))
        .collect();
    if name.is_empty() {
        return format!("{filler}{:08x}", fnv(wire));
    }
    if !name.starts_with(unicode_ident::is_xid_start) {
        name.insert_str(0, if filler == "X" { "X" } else { "_" });
    }
    if NEVER_RAW.contains(&name.as_str()) {
        name.push_str(if filler == "X" { "X" } else { "_" });
    }
    name
}

/// FNV-1a: a short hash of a wire name that is the same on every machine.
fn fnv(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests;
