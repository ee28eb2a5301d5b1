//! Values of fields: mostly valid ones, sometimes others.

use espo_schema::{EntityType, Field, FieldKind};
use rand::RngExt;
use serde_json::{Value, json};

use super::{Walk, pick, placeholder};

const WORDS: &[&str] = &[
    "Acme",
    "acme corp",
    "Deal",
    "deal acme",
    "Ångström",
    "Łukasz",
    "O'Neil",
    "100% sure",
    "under_score",
    "Zoé",
    "x",
    "42",
    "Müller & Co",
    "broken pipe",
    "ALPHA",
    "beta-1",
];
/// Fields of an email that contain addresses as text.
const ADDRESSES: &[&str] = &["from", "to", "cc", "bcc", "replyTo"];
const ODD_TEXTS: &[&str] = &[
    "",
    " ",
    "  padded  ",
    "\u{a0}nbsp\u{a0}",
    "<b>bold</b> text",
    "тест",
    "日本語",
];

/// Returns attributes with values for a field; empty if a request cannot set it.
pub(super) fn of(walk: &mut Walk, entity: &EntityType, field: &Field) -> Vec<(String, Value)> {
    let name = field.name.clone();
    let one = |value: Value| vec![(name.clone(), value)];
    if walk.random.random_bool(0.04) {
        let odd = odd(walk, field);
        return vec![(main_attribute(field), odd)];
    }
    let number = walk.random.random_range(0..1000);
    match field.kind {
        FieldKind::Varchar if entity.name == "Email" && ADDRESSES.contains(&name.as_str()) => {
            one(json!(walk.email()))
        }
        FieldKind::Varchar | FieldKind::Barcode if !field.options_listed().is_empty() => {
            one(json!(pick(&mut walk.random, field.options_listed())))
        }
        FieldKind::Varchar | FieldKind::Barcode => one(json!(text(walk, field.max_length))),
        FieldKind::Text | FieldKind::Wysiwyg => {
            let (a, b) = (text(walk, None), text(walk, None));
            one(json!(match field.kind {
                FieldKind::Wysiwyg => format!("<p>{a} <b>{b}</b></p>"),
                _ => format!("{a} {b}"),
            }))
        }
        FieldKind::Enum => match field.options_listed() {
            [] if name.ends_with("Currency") => one(json!(walk.currency())),
            [] => one(json!(text(walk, Some(20)))),
            options => one(json!(pick(&mut walk.random, options))),
        },
        FieldKind::EnumInt | FieldKind::EnumFloat => match field.options_listed() {
            [] => Vec::new(),
            options => {
                let option = pick(&mut walk.random, options);
                one(option.parse::<f64>().map_or(json!(option), |n| json!(n)))
            }
        },
        FieldKind::MultiEnum | FieldKind::Checklist | FieldKind::Array => {
            let options = field.options_listed();
            let count = walk.random.random_range(0..3);
            let list: Vec<String> = (0..count)
                .map(|_| match options {
                    [] => text(walk, Some(20)),
                    options => pick(&mut walk.random, options).clone(),
                })
                .collect();
            one(json!(list))
        }
        FieldKind::UrlMultiple => one(json!([format!("https://u{number}.example.com")])),
        FieldKind::Bool => one(json!(walk.random.random_bool(0.5))),
        FieldKind::Int => one(json!(number % int_bound(field))),
        FieldKind::Float => one(json!(f64::from(number) / 8.0)),
        FieldKind::Decimal => one(json!(format!("{number}.25"))),
        FieldKind::Currency => {
            let amount = f64::from(number) * 12.5;
            let amount = if field.decimal {
                json!(format!("{amount:.2}"))
            } else {
                json!(amount)
            };
            vec![
                (name.clone(), amount),
                (format!("{name}Currency"), json!(walk.currency())),
            ]
        }
        FieldKind::RangeInt | FieldKind::RangeFloat | FieldKind::RangeCurrency => {
            let upper = upper_first(&name);
            let mut parts = vec![
                (format!("from{upper}"), json!(number)),
                (format!("to{upper}"), json!(number + 10)),
            ];
            if field.kind == FieldKind::RangeCurrency {
                for part in ["from", "to"] {
                    parts.push((format!("{part}{upper}Currency"), json!(walk.currency())));
                }
            }
            parts
        }
        FieldKind::Date => one(json!(day(walk))),
        FieldKind::Datetime => one(json!(moment(walk))),
        FieldKind::DatetimeOptional if walk.random.random_bool(0.3) => {
            vec![(format!("{name}Date"), json!(day(walk)))]
        }
        FieldKind::DatetimeOptional => one(json!(moment(walk))),
        FieldKind::Email => one(json!(walk.email())),
        FieldKind::Phone => one(json!(format!("+1202555{:04}", number))),
        FieldKind::Url => one(json!(format!("https://s{number}.example.com/p?q=1"))),
        FieldKind::Colorpicker => one(json!("#aa33ff")),
        FieldKind::PersonName => person(walk, &name),
        FieldKind::Address => {
            let all = ["Street", "City", "State", "Country", "PostalCode"];
            let parts = all.iter().filter(|_| walk.random.random_bool(0.6));
            let parts: Vec<&str> = parts.copied().collect();
            parts
                .into_iter()
                .map(|part| (format!("{name}{part}"), json!(text(walk, Some(20)))))
                .collect()
        }
        FieldKind::Link | FieldKind::LinkOne => link(walk, entity, &name),
        FieldKind::LinkMultiple => link_multiple(walk, entity, field),
        FieldKind::LinkParent => match walk.some_record(&field.entity_list) {
            Some((target, record)) => vec![
                (format!("{name}Type"), json!(target)),
                (format!("{name}Id"), placeholder(&record)),
            ],
            None => Vec::new(),
        },
        FieldKind::JsonArray => one(json!([1, "two", null])),
        FieldKind::JsonObject => one(json!({"a": number})),
        _ => Vec::new(),
    }
}

fn link(walk: &mut Walk, entity: &EntityType, name: &str) -> Vec<(String, Value)> {
    let target = entity.links.get(name).and_then(|l| l.entity.clone());
    let id = match target.as_deref() {
        Some("User") => walk.user().map(Value::from),
        Some(target) => walk.record_of(target).map(|r| placeholder(&r)),
        None => None,
    };
    id.map(|id| vec![(format!("{name}Id"), id)])
        .unwrap_or_default()
}

fn link_multiple(walk: &mut Walk, entity: &EntityType, field: &Field) -> Vec<(String, Value)> {
    let name = &field.name;
    let target = entity.links.get(name).and_then(|l| l.entity.clone());
    let ids: Vec<Value> = match target.as_deref() {
        Some("User") => walk.user().map(Value::from).into_iter().collect(),
        Some("Team") => walk.team().map(Value::from).into_iter().collect(),
        Some(target) => {
            let first = walk.record_of(target);
            let second = walk.record_of(target).filter(|r| Some(r) != first.as_ref());
            let both = first.into_iter().chain(second);
            both.map(|r| placeholder(&r)).collect()
        }
        None => return Vec::new(),
    };
    if ids.is_empty() && walk.random.random_bool(0.8) {
        return Vec::new();
    }
    vec![(format!("{name}Ids"), Value::Array(ids))]
}

fn person(walk: &mut Walk, name: &str) -> Vec<(String, Value)> {
    let upper = upper_first(name);
    let last = format!("{} {}", walk.marker(), walk.count());
    let mut parts = vec![(format!("last{upper}"), json!(last))];
    if walk.random.random_bool(0.7) {
        parts.push((format!("first{upper}"), json!(text(walk, Some(20)))));
    }
    if walk.random.random_bool(0.2) {
        parts.push((format!("middle{upper}"), json!("M")));
    }
    parts
}

/// Returns a value that the field rejects, or that is at the limit.
fn odd(walk: &mut Walk, field: &Field) -> Value {
    let general = [
        json!(null),
        json!(""),
        json!(0),
        json!(-1),
        json!(true),
        json!(false),
        json!(1.5),
        json!("abc"),
        json!([]),
        json!({}),
        json!(["a"]),
        json!("2030-02-31"),
        json!(3_000_000_000_u64),
        json!("x".repeat(300)),
    ];
    if super::is_text(field.kind) && walk.random.random_bool(0.5) {
        return json!(pick(&mut walk.random, ODD_TEXTS));
    }
    match (field.kind, walk.random.random_bool(0.5)) {
        (FieldKind::Email, true) => {
            json!(pick(
                &mut walk.random,
                &["no-at", "A@B.EXAMPLE", "a@b", " a@b.example "]
            ))
        }
        (FieldKind::Phone, true) => json!(pick(&mut walk.random, &["abc", "+999", "123"])),
        (FieldKind::Url, true) => {
            json!(pick(
                &mut walk.random,
                &["example.com", "not a url", "javascript:alert(1)"]
            ))
        }
        (FieldKind::Link | FieldKind::LinkOne, true) => json!("nosuchid000000000"),
        (FieldKind::LinkMultiple, true) => json!(["nosuchid000000000"]),
        _ => pick(&mut walk.random, &general).clone(),
    }
}

/// Returns the attribute for an unusual value.
fn main_attribute(field: &Field) -> String {
    let name = &field.name;
    match field.kind {
        FieldKind::Link | FieldKind::LinkOne | FieldKind::LinkParent | FieldKind::File => {
            format!("{name}Id")
        }
        FieldKind::LinkMultiple | FieldKind::AttachmentMultiple => format!("{name}Ids"),
        FieldKind::PersonName => format!("last{}", upper_first(name)),
        FieldKind::Address => format!("{name}City"),
        FieldKind::RangeInt | FieldKind::RangeFloat | FieldKind::RangeCurrency => {
            format!("from{}", upper_first(name))
        }
        _ => name.clone(),
    }
}

fn int_bound(field: &Field) -> i32 {
    let max = field.max.as_ref().and_then(Value::as_i64).unwrap_or(1000);
    i32::try_from(max.clamp(1, 1000)).unwrap_or(1000)
}

/// A string of limited length.
pub(super) fn text(walk: &mut Walk, max: Option<u64>) -> String {
    let word = *pick(&mut walk.random, WORDS);
    let max = usize::try_from(max.unwrap_or(200)).unwrap_or(200);
    word.chars().take(max).collect()
}

/// A day around today, sometimes far from it.
pub(super) fn day(walk: &mut Walk) -> String {
    let days = if walk.random.random_bool(0.7) {
        walk.random.random_range(-40..40)
    } else {
        walk.random.random_range(-900..900)
    };
    let today = jiff::Timestamp::now()
        .to_zoned_datetime(jiff::tz::TimeZone::UTC)
        .date();
    today
        .saturating_add(jiff::Span::new().days(days))
        .to_string()
}

/// A time on such a day.
pub(super) fn moment(walk: &mut Walk) -> String {
    let (hour, minute) = (
        walk.random.random_range(0..24),
        walk.random.random_range(0..4) * 15,
    );
    format!("{} {hour:02}:{minute:02}:00", day(walk))
}

fn upper_first(name: &str) -> String {
    let mut chars = name.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// The options of a field, if it lists any.
trait Listed {
    fn options_listed(&self) -> &[String];
}

impl Listed for Field {
    fn options_listed(&self) -> &[String] {
        self.options.listed().unwrap_or_default()
    }
}
