//! Compares two responses to the same request.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use regex::Regex;
use serde::Serialize;
use serde_json::{Map, Value};

use super::step::Response;
use super::times::Times;

static ID: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b[0-9a-f]{17}\b"));
static TIME: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"));
static NUMBERED: LazyLock<Regex> = LazyLock::new(|| pattern(r"^N-\d+$"));

#[expect(
    clippy::expect_used,
    reason = "the patterns are constants that a test compiles"
)]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a valid pattern")
}

/// Values that differ between any two servers.
const SECRET: &[&str] = &[
    "token",
    "apiKey",
    "secretKey",
    "uid",
    "messageId",
    "microtimeState",
    "cacheTimestamp",
    "appTimestamp",
];

/// The compared aspects of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Score {
    /// The HTTP status.
    Status,
    /// The `X-Status-Reason` header of an error.
    Reason,
    /// Keys and JSON types of the body.
    Shape,
    /// IDs of a list, in order, and its total.
    Rows,
    /// Content type and every value of the body.
    Body,
}

impl Score {
    /// All scores, in the order of the report.
    pub const ALL: [Score; 5] = [
        Score::Status,
        Score::Reason,
        Score::Shape,
        Score::Rows,
        Score::Body,
    ];
}

/// IDs of one server and those of the other for the same records.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    there: HashMap<String, String>,
    here: HashMap<String, String>,
    /// Attributes whose counter continues after rows were deleted.
    counters: HashSet<String>,
    /// The times of the run.
    times: Times,
}

impl Pairs {
    pub(crate) fn new(counters: HashSet<String>, times: Times) -> Pairs {
        Pairs {
            counters,
            times,
            ..Pairs::default()
        }
    }

    /// Pairs two IDs if neither has another partner.
    pub(crate) fn same(&mut self, real: &str, other: &str) -> bool {
        if self.there.contains_key(real) || self.here.contains_key(other) {
            return self.there.get(real).is_some_and(|o| o == other);
        }
        self.there.insert(real.to_owned(), other.to_owned());
        self.here.insert(other.to_owned(), real.to_owned());
        true
    }

    fn possible(&self, real: &str, other: &str) -> bool {
        if self.there.contains_key(real) || self.here.contains_key(other) {
            self.there.get(real).is_some_and(|o| o == other)
        } else {
            true
        }
    }

    fn same_members(&self, real: &[Value], other: &[Value]) -> bool {
        let partner = |id: &Value| self.there.get(id.as_str()?).map(String::as_str);
        let in_other = |id: &Value| other.iter().any(|o| o.as_str() == partner(id));
        real.len() == other.len() && real.iter().all(|id| partner(id).is_some() && in_other(id))
    }

    fn as_other(&self, text: &str) -> String {
        ID.replace_all(text, |m: &regex::Captures| {
            self.there
                .get(&m[0])
                .map_or("<id>", String::as_str)
                .to_owned()
        })
        .into_owned()
    }

    fn masked(&self, text: &str) -> String {
        ID.replace_all(text, |m: &regex::Captures| {
            if self.here.contains_key(&m[0]) {
                m[0].to_owned()
            } else {
                "<id>".to_owned()
            }
        })
        .into_owned()
    }

    fn equal(&self, real: &str, other: &str) -> bool {
        real == other || self.as_other(real) == self.masked(other)
    }
}

/// One difference: the score that it affects, its position, and both values.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Finding {
    pub(crate) score: Score,
    /// Position in the response, the same for similar differences.
    pub(crate) at: String,
    pub(crate) real: String,
    pub(crate) other: String,
}

/// The comparison of two responses.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    pub(crate) scores: BTreeSet<Score>,
    pub(crate) findings: Vec<Finding>,
}

impl Compared {
    fn note(&mut self, score: Score, at: &str, real: impl Into<String>, other: impl Into<String>) {
        self.findings.push(Finding {
            score,
            at: at.to_owned(),
            real: real.into(),
            other: other.into(),
        });
    }

    /// Whether a score applies and has no difference.
    pub(crate) fn agrees(&self, score: Score) -> bool {
        let differs = |s: Score| self.findings.iter().any(|f| f.score == s);
        match score {
            Score::Body => [Score::Body, Score::Shape, Score::Rows]
                .into_iter()
                .all(|s| !differs(s)),
            score => !differs(score),
        }
    }
}

/// Compares two responses, and pairs the IDs in the same positions.
pub(crate) fn compare(real: &Response, other: &Response, pairs: &mut Pairs) -> Compared {
    let mut out = Compared::default();
    out.scores.insert(Score::Status);
    if real.status != other.status {
        let text = |r: &Response| match r.reason.as_deref() {
            Some(reason) if !reason.is_empty() => format!("{} {reason}", r.status),
            _ => r.status.to_string(),
        };
        out.note(Score::Status, "status", text(real), text(other));
    }
    if real.status >= 400 {
        out.scores.insert(Score::Reason);
        let (a, b) = (real.reason.as_deref(), other.reason.as_deref());
        if a.is_some() != b.is_some() || !pairs.equal(a.unwrap_or_default(), b.unwrap_or_default())
        {
            let text = |r: Option<&str>| r.map_or("absent".to_owned(), |r| format!("`{r}`"));
            out.note(Score::Reason, "reason", text(a), text(b));
        }
    }
    if real.status != other.status {
        return out;
    }
    out.scores.insert(Score::Body);
    if real.content_type != other.content_type {
        let (a, b) = (real.content_type.as_str(), other.content_type.as_str());
        out.note(Score::Body, "content type", a, b);
    }
    if real.allow != other.allow {
        let text = |r: &Response| r.allow.clone().unwrap_or_default();
        out.note(Score::Body, "allow", text(real), text(other));
    }
    match (&real.body, &other.body) {
        (Some(a), Some(b)) => bodies(real, other, a, b, pairs, &mut out),
        (Some(a), None) => {
            out.scores.insert(Score::Shape);
            out.note(Score::Shape, "body", short(a), "not JSON");
        }
        _ => {
            let (a, b) = (&real.text, &other.text);
            let pages = real.content_type == "text/html" && !a.is_empty() && !b.is_empty();
            if !pages && !pairs.equal(a, b) {
                out.note(Score::Body, "text", cut(a), cut(b));
            }
        }
    }
    out
}

fn bodies(
    real: &Response,
    other: &Response,
    a: &Value,
    b: &Value,
    pairs: &mut Pairs,
    out: &mut Compared,
) {
    if a.is_object() || a.is_array() {
        out.scores.insert(Score::Shape);
    }
    let (Some(rows), Some(others)) = (real.rows(), other.rows()) else {
        walk(a, b, "", "", pairs, out);
        return;
    };
    out.scores.insert(Score::Rows);
    let id = |row: &Value| row.get("id").and_then(Value::as_str).map(str::to_owned);
    let ids: Vec<_> = rows.iter().map(id).collect();
    let other_ids: Vec<_> = others.iter().map(id).collect();
    let fits = |(x, y): (&Option<String>, &Option<String>)| match (x, y) {
        (Some(x), Some(y)) => pairs.possible(x, y),
        (x, y) => x == y,
    };
    let same = ids.len() == other_ids.len() && ids.iter().zip(&other_ids).all(fits);
    let totals = (a.get("total"), b.get("total"));
    if totals.0 != totals.1 {
        let text = |v: Option<&Value>| v.map_or("absent".to_owned(), short);
        let score = if totals.0.is_some() == totals.1.is_some() {
            Score::Rows
        } else {
            Score::Shape
        };
        out.note(score, "total", text(totals.0), text(totals.1));
    }
    if same {
        for (x, y) in rows.iter().zip(others) {
            walk(x, y, ".list[]", "", pairs, out);
        }
    } else {
        let mapped: Vec<String> = ids
            .iter()
            .flatten()
            .map(|i| pairs.there.get(i).cloned().unwrap_or_else(|| i.clone()))
            .collect();
        let found: Vec<String> = other_ids.iter().flatten().cloned().collect();
        let sorted = |list: &[String]| list.iter().cloned().collect::<BTreeSet<_>>();
        let at = if sorted(&mapped) == sorted(&found) && mapped.len() == found.len() {
            "order of rows"
        } else {
            "rows"
        };
        let names = |list: &[Value]| -> String {
            let names = list.iter().map(|r| r.get("name").map_or("?".into(), short));
            cut(&names.collect::<Vec<_>>().join(", "))
        };
        out.note(Score::Rows, at, names(rows), names(others));
        for (x, i) in rows.iter().zip(&mapped) {
            let y = others
                .iter()
                .find(|r| r.get("id").and_then(Value::as_str) == Some(i));
            if let Some(y) = y {
                walk(x, y, ".list[]", "", pairs, out);
            }
        }
    }
    let rest = |v: &Value| -> Value {
        let keys = v.as_object().into_iter().flatten();
        let kept = keys.filter(|(k, _)| !matches!(k.as_str(), "list" | "total"));
        Value::Object(kept.map(|(k, v)| (k.clone(), v.clone())).collect())
    };
    walk(&rest(a), &rest(b), "", "", pairs, out);
}

fn walk(a: &Value, b: &Value, at: &str, key: &str, pairs: &mut Pairs, out: &mut Compared) {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => objects(a, b, at, pairs, out),
        // A mass action takes records of the same second in any order.
        (Value::Array(a), Value::Array(b)) if at == ".ids" && pairs.same_members(a, b) => {}
        (Value::Array(a), Value::Array(b)) => {
            if a.len() != b.len() {
                let text = |l: &[Value]| format!("{} items", l.len());
                out.note(Score::Body, at, text(a), text(b));
            }
            for (x, y) in a.iter().zip(b) {
                walk(x, y, &format!("{at}[]"), key, pairs, out);
            }
        }
        (Value::Null, Value::Null) => {}
        (Value::Null, _) | (_, Value::Null) => out.note(Score::Body, at, short(a), short(b)),
        _ if SECRET.contains(&key) => {}
        (Value::Number(x), Value::Number(y)) => {
            let equal = x == y || x.as_f64() == y.as_f64();
            if !equal && !pairs.counters.contains(key) {
                out.note(Score::Body, at, short(a), short(b));
            }
        }
        (Value::String(x), Value::String(y)) => {
            let full = |s: &str| ID.find(s).is_some_and(|m| m.len() == s.len());
            let equal = if full(x) && full(y) {
                pairs.same(x, y)
            } else {
                pairs.equal(x, y)
                    || (TIME.is_match(x) && TIME.is_match(y) && pairs.times.are_close(x, y))
                    || (NUMBERED.is_match(x) && NUMBERED.is_match(y))
            };
            if !equal {
                out.note(Score::Body, at, short(a), short(b));
            }
        }
        _ if kind(a) != kind(b) => out.note(Score::Shape, at, short(a), short(b)),
        _ if a != b => out.note(Score::Body, at, short(a), short(b)),
        _ => {}
    }
}

fn objects(
    a: &Map<String, Value>,
    b: &Map<String, Value>,
    at: &str,
    pairs: &mut Pairs,
    out: &mut Compared,
) {
    let full = |s: &str| ID.find(s).is_some_and(|m| m.len() == s.len());
    let by_id = !(a.is_empty() && b.is_empty()) && a.keys().chain(b.keys()).all(|k| full(k));
    if by_id {
        if let (1, 1) = (a.len(), b.len()) {
            for (x, y) in a.keys().zip(b.keys()) {
                pairs.same(x, y);
            }
        }
        let mapped = |k: &String| pairs.there.get(k).unwrap_or(k).clone();
        let keys: BTreeSet<String> = a.keys().map(mapped).collect();
        if keys != b.keys().cloned().collect() {
            let text = |n: usize| format!("{n} ids");
            out.note(Score::Body, at, text(a.len()), text(b.len()));
            return;
        }
        let couples: Vec<_> = a.iter().map(|(k, v)| (mapped(k), v)).collect();
        for (k, x) in couples {
            walk(x, &b[&k], &format!("{at}.<id>"), "", pairs, out);
        }
        return;
    }
    for (k, v) in a {
        if !b.contains_key(k) {
            out.note(Score::Shape, &format!("{at}.{k}"), short(v), "missing");
        }
    }
    for (k, v) in b {
        match a.get(k) {
            None => out.note(Score::Shape, &format!("{at}.{k}"), "absent", short(v)),
            Some(x) => walk(x, v, &format!("{at}.{k}"), k, pairs, out),
        }
    }
}

fn kind(v: &Value) -> u8 {
    match v {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

fn short(v: &Value) -> String {
    cut(&v.to_string())
}

fn cut(text: &str) -> String {
    if text.chars().count() <= 80 {
        return text.to_owned();
    }
    let head: String = text.chars().take(77).collect();
    format!("{head}...")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn response(status: u16, body: Value) -> Response {
        Response {
            status,
            reason: None,
            content_type: "application/json".to_owned(),
            allow: None,
            text: String::new(),
            body: Some(body),
        }
    }

    fn places(real: Value, other: Value) -> Vec<(Score, String)> {
        let mut pairs = Pairs::default();
        let compared = compare(&response(200, real), &response(200, other), &mut pairs);
        let findings = compared.findings.into_iter();
        findings.map(|f| (f.score, f.at)).collect()
    }

    #[test]
    fn ids_in_the_same_position_are_paired() {
        let (a, b) = ("6b0c40e38dbafdb79", "6b0c40e38dbafdb80");
        assert_eq!(
            places(json!({"id": a, "x": a}), json!({"id": b, "x": b})),
            []
        );
        let differ = places(json!({"id": a, "x": a}), json!({"id": b, "x": a}));
        assert_eq!(differ, [(Score::Body, ".x".to_owned())]);
    }

    #[test]
    fn keys_types_and_values_count_for_their_scores() {
        let differ = places(
            json!({"a": 1, "b": "x", "c": null, "d": [1]}),
            json!({"a": "1", "b": "y", "d": [1, 2], "e": 1}),
        );
        assert_eq!(
            differ,
            [
                (Score::Shape, ".c".to_owned()),
                (Score::Shape, ".a".to_owned()),
                (Score::Body, ".b".to_owned()),
                (Score::Body, ".d".to_owned()),
                (Score::Shape, ".e".to_owned()),
            ]
        );
    }

    #[test]
    fn ids_of_a_mass_action_have_no_order() {
        let (a, b) = ("6b0c40e38dbafdb79", "6b0c40e38dbafdb80");
        let mut pairs = Pairs::default();
        pairs.same(a, a);
        pairs.same(b, b);
        let mut ids = |real: [&str; 2], other: [&str; 2]| {
            let body = |ids| response(200, json!({"count": 2, "ids": ids}));
            compare(&body(real), &body(other), &mut pairs)
                .findings
                .len()
        };
        assert_eq!((ids([a, b], [b, a]), ids([a, b], [b, b])), (0, 1));
    }

    #[test]
    fn rows_in_another_order_are_reported_once() {
        let (a, b) = ("6b0c40e38dbafdb79", "6b0c40e38dbafdb80");
        let mut pairs = Pairs::default();
        pairs.same(a, a);
        pairs.same(b, b);
        let list = |ids: [&str; 2]| json!({"total": 2, "list": [{"id": ids[0]}, {"id": ids[1]}]});
        let (real, other) = (response(200, list([a, b])), response(200, list([b, a])));
        let compared = compare(&real, &other, &mut pairs);
        assert_eq!(compared.findings.len(), 1);
        assert_eq!(compared.findings[0].at, "order of rows");
        assert!(!compared.agrees(Score::Rows) && compared.agrees(Score::Status));
    }
}
