//! Parses query strings and form bodies by PHP's rules: brackets create nested maps and lists, and all values are
//! strings.

use serde_json::{Map, Value as Json};

/// Decodes `application/x-www-form-urlencoded` text: `+` is a space, invalid escapes are kept.
pub(crate) fn decode(s: &str) -> String {
    let bytes = s.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'+' => out.push(b' '),
            b'%' => {
                let hex = bytes
                    .get(i + 1..i + 3)
                    .and_then(|h| std::str::from_utf8(h).ok());
                match hex.and_then(|h| u8::from_str_radix(h, 16).ok()) {
                    Some(b) => {
                        out.push(b);
                        i += 2;
                    }
                    None => out.push(b'%'),
                }
            }
            b => out.push(b),
        }
        i += 1;
    }
    String::from_utf8(out).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

/// Decodes percent escapes in a path segment, where `+` is not a space.
pub(crate) fn decode_path(s: &str) -> Vec<u8> {
    let bytes = s.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] == b'%'
            && let Some(b) = bytes
                .get(i + 1..i + 3)
                .and_then(|h| std::str::from_utf8(h).ok())
                .and_then(|h| u8::from_str_radix(h, 16).ok())
        {
            out.push(b);
            i += 3;
            continue;
        }
        out.push(bytes[i]);
        i += 1;
    }
    out
}

/// PHP nests at most this deep (`max_input_nesting_level`); deeper parameters are dropped.
const MAX_DEPTH: usize = 64;
/// PHP reads at most this many parameters (`max_input_vars`).
const MAX_VARS: usize = 1000;

/// Parses a query string into a JSON object. During parsing, lists are objects with the keys `0..n`; at the end they
/// become lists.
pub(crate) fn parse(query: &str) -> Map<String, Json> {
    let mut root = Map::new();
    for pair in query.split('&').filter(|p| !p.is_empty()).take(MAX_VARS) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decode(name), decode(value));
        let Some(path) = path_of(&name) else { continue };
        insert(&mut root, &path, value);
    }
    for v in root.values_mut() {
        listify(v);
    }
    root
}

/// Splits `a[b][]` into `["a", "b", ""]`. `None` for names that PHP drops.
fn path_of(name: &str) -> Option<Vec<String>> {
    let name = name.trim_start_matches(' ');
    if name.is_empty() || name.starts_with('[') {
        return None;
    }
    let (base, mut rest) = match name.find('[') {
        Some(at) => name.split_at(at),
        None => (name, ""),
    };
    let mut path = vec![base.replace(['.', ' '], "_")];
    while let Some(inner) = rest.strip_prefix('[') {
        let Some(end) = inner.find(']') else {
            if path.len() == 1 {
                // An unclosed bracket is part of the name.
                path[0] = name.replace(['.', ' ', '['], "_");
            }
            break;
        };
        path.push(inner[..end].to_owned());
        rest = &inner[end + 1..];
        if path.len() > MAX_DEPTH {
            return None;
        }
    }
    Some(path)
}

fn insert(map: &mut Map<String, Json>, path: &[String], value: String) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    let key = if first.is_empty() {
        next_index(map).to_string()
    } else {
        first.clone()
    };
    if rest.is_empty() {
        map.insert(key, Json::String(value));
        return;
    }
    let slot = map.entry(key).or_insert_with(|| Json::Object(Map::new()));
    if !slot.is_object() {
        *slot = Json::Object(Map::new());
    }
    if let Json::Object(inner) = slot {
        insert(inner, rest, value);
    }
}

fn next_index(map: &Map<String, Json>) -> usize {
    map.keys()
        .filter_map(|k| k.parse::<usize>().ok())
        .max()
        .map_or(0, |n| n + 1)
}

fn listify(v: &mut Json) {
    if let Json::Object(map) = v {
        for inner in map.values_mut() {
            listify(inner);
        }
        if !map.is_empty() && map.keys().enumerate().all(|(i, k)| *k == i.to_string()) {
            *v = Json::Array(std::mem::take(map).into_iter().map(|(_, v)| v).collect());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parameters_are_nested_as_in_php() {
        for (query, parsed) in [
            ("a=1&b=x+y%21", json!({"a": "1", "b": "x y!"})),
            (
                "w[0][type]=in&w[0][value][]=a&w[0][value][]=b",
                json!({"w": [{"type": "in", "value": ["a", "b"]}]}),
            ),
            (
                "w[][type]=in&w[][attribute]=n",
                json!({"w": [{"type": "in"}, {"attribute": "n"}]}),
            ),
            ("a=1&a[b]=2", json!({"a": {"b": "2"}})),
            ("a[1]=x", json!({"a": {"1": "x"}})),
            ("a.b=1", json!({"a_b": "1"})),
            ("[x]=1&=2&&c", json!({"c": ""})),
            ("a[b=1", json!({"a_b": "1"})),
        ] {
            assert_eq!(Json::Object(parse(query)), parsed, "{query}");
        }
    }
}
