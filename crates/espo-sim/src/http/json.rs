//! Writes JSON like PHP's `json_encode`: `/` escaped, non-ASCII characters as `\uXXXX`, integral floats without a
//! fraction. The same writer can also write plain JSON.

use serde_json::Value as Json;

use crate::value::Value;

/// A JSON document under construction.
#[derive(Debug)]
pub(crate) struct Out {
    buf: Vec<u8>,
    php: bool,
}

impl Out {
    pub(crate) fn new(php: bool) -> Out {
        Out {
            buf: Vec::with_capacity(1024),
            php,
        }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.buf
    }

    /// Writes text that is already JSON.
    pub(crate) fn raw(&mut self, text: &str) {
        self.buf.extend_from_slice(text.as_bytes());
    }

    fn comma(&mut self) {
        if !matches!(self.buf.last(), None | Some(b'{' | b'[' | b':')) {
            self.buf.push(b',');
        }
    }

    pub(crate) fn open_object(&mut self) {
        self.comma();
        self.buf.push(b'{');
    }

    pub(crate) fn close_object(&mut self) {
        self.buf.push(b'}');
    }

    pub(crate) fn open_array(&mut self) {
        self.comma();
        self.buf.push(b'[');
    }

    pub(crate) fn close_array(&mut self) {
        self.buf.push(b']');
    }

    /// Writes a key of an object, preceded by a comma if necessary.
    pub(crate) fn key(&mut self, name: &str) {
        self.comma();
        self.string(name);
        self.buf.push(b':');
    }

    /// Writes a value in an object (after its key) or in a list.
    pub(crate) fn value(&mut self, v: &Value) {
        match v {
            Value::Json(j) => self.json(j),
            scalar => {
                self.comma();
                match scalar {
                    Value::Bool(true) => self.raw("true"),
                    Value::Bool(false) => self.raw("false"),
                    Value::Int(i) => self.raw(&i.to_string()),
                    Value::Float(f) => self.float(*f),
                    Value::Text(s) => self.string(s),
                    Value::Null | Value::Json(_) => self.raw("null"),
                }
            }
        }
    }

    pub(crate) fn json(&mut self, v: &Json) {
        match v {
            Json::Object(map) => {
                self.open_object();
                for (k, v) in map {
                    self.key(k);
                    self.json(v);
                }
                self.close_object();
            }
            Json::Array(list) => {
                self.open_array();
                for v in list {
                    self.json(v);
                }
                self.close_array();
            }
            Json::Null => {
                self.comma();
                self.raw("null");
            }
            Json::Bool(b) => {
                self.comma();
                self.raw(if *b { "true" } else { "false" });
            }
            Json::String(s) => {
                self.comma();
                self.string(s);
            }
            Json::Number(n) => {
                self.comma();
                match (n.as_i64(), n.as_f64()) {
                    (Some(i), _) => self.raw(&i.to_string()),
                    (None, Some(f)) => self.float(f),
                    (None, None) => self.raw(&n.to_string()),
                }
            }
        }
    }

    fn float(&mut self, f: f64) {
        if self.php {
            self.raw(&php_float(f, 17, 'e'));
        } else {
            self.raw(
                &serde_json::Number::from_f64(f)
                    .map_or_else(|| "null".to_owned(), |n| n.to_string()),
            );
        }
    }

    fn string(&mut self, s: &str) {
        self.buf.push(b'"');
        let mut start = 0;
        let bytes = s.as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            let b = bytes[i];
            let plain =
                b >= 0x20 && b != b'"' && b != b'\\' && (!self.php || (b != b'/' && b < 0x80));
            if plain {
                i += 1;
                continue;
            }
            self.buf.extend_from_slice(&bytes[start..i]);
            if b >= 0x80 {
                // Always at the start of a character: everything before it was ASCII or a whole character.
                let c = s[i..].chars().next().unwrap_or('\u{fffd}');
                let mut units = [0u16; 2];
                for unit in c.encode_utf16(&mut units) {
                    self.buf
                        .extend_from_slice(format!("\\u{unit:04x}").as_bytes());
                }
                i += c.len_utf8();
            } else {
                match b {
                    b'"' => self.raw("\\\""),
                    b'\\' => self.raw("\\\\"),
                    b'/' => self.raw("\\/"),
                    b'\n' => self.raw("\\n"),
                    b'\r' => self.raw("\\r"),
                    b'\t' => self.raw("\\t"),
                    0x08 => self.raw("\\b"),
                    0x0c => self.raw("\\f"),
                    other => self.raw(&format!("\\u{other:04x}")),
                }
                i += 1;
            }
            start = i;
        }
        self.buf.extend_from_slice(&bytes[start..]);
        self.buf.push(b'"');
    }
}

/// Converts a scalar to a string as PHP does; lists and objects become `Array` and `Object`.
pub(crate) fn php_text(v: &Json) -> String {
    match v {
        Json::Null => String::new(),
        Json::Bool(b) => if *b { "1" } else { "" }.to_owned(),
        Json::Number(n) => match (n.as_i64(), n.as_f64()) {
            (Some(i), _) => i.to_string(),
            // The integer `-0` is read as a float.
            (None, Some(0.0)) => "0".to_owned(),
            (None, f) => php_float(f.unwrap_or_default(), 14, 'E'),
        },
        Json::String(s) => s.clone(),
        Json::Array(_) => "Array".to_owned(),
        Json::Object(_) => "Object".to_owned(),
    }
}

/// A float as PHP prints it with up to `digits` significant digits (17 stands for "as many as needed to read it back").
///
/// JSON uses 17 digits and `e`, a conversion to a string 14 digits and `E`.
pub(crate) fn php_float(f: f64, digits: usize, exponent: char) -> String {
    if f == 0.0 {
        return if f.is_sign_negative() {
            "-0".to_owned()
        } else {
            "0".to_owned()
        };
    }
    if !f.is_finite() {
        return if f.is_nan() {
            "NAN".to_owned()
        } else if f > 0.0 {
            "INF".to_owned()
        } else {
            "-INF".to_owned()
        };
    }
    let scientific = if digits >= 17 {
        format!("{f:e}")
    } else {
        format!("{:.*e}", digits - 1, f)
    };
    let (mantissa, exp) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exp: i32 = exp.parse().unwrap_or(0);
    let negative = mantissa.starts_with('-');
    let mut all: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let trimmed = all.trim_end_matches('0').len().max(1);
    all.truncate(trimmed);
    let point = exp + 1;
    let mut out = String::new();
    if negative {
        out.push('-');
    }
    if point < -3 || point > digits as i32 {
        out.push_str(&all[..1]);
        out.push('.');
        out.push_str(if all.len() > 1 { &all[1..] } else { "0" });
        out.push(exponent);
        out.push(if exp < 0 { '-' } else { '+' });
        out.push_str(&exp.abs().to_string());
    } else if point <= 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', point.unsigned_abs() as usize));
        out.push_str(&all);
    } else {
        let point = point as usize;
        if all.len() <= point {
            out.push_str(&all);
            out.extend(std::iter::repeat_n('0', point - all.len()));
        } else {
            out.push_str(&all[..point]);
            out.push('.');
            out.push_str(&all[point..]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn php(v: &Json) -> String {
        let mut out = Out::new(true);
        out.json(v);
        String::from_utf8(out.into_bytes()).unwrap()
    }

    #[test]
    fn strings_are_escaped_as_in_php() {
        assert_eq!(
            php(
                &serde_json::json!({"a/b": "Zażółć \u{1f600}\n\"\\", "l": [1, 2.0, 2.5, true, null, {}, []]})
            ),
            "{\"a\\/b\":\"Za\\u017c\\u00f3\\u0142\\u0107 \\ud83d\\ude00\\n\\\"\\\\\",\"l\":[1,2,2.5,true,null,{},[]]}"
        );
    }

    #[test]
    fn plain_json_is_not_escaped() {
        let mut out = Out::new(false);
        out.json(&serde_json::json!({"a/b": "ż", "f": 2.0}));
        assert_eq!(
            String::from_utf8(out.into_bytes()).unwrap(),
            "{\"a/b\":\"ż\",\"f\":2.0}"
        );
    }

    #[test]
    fn floats_are_printed_as_in_php() {
        for (f, json, text) in [
            (1e15, "1000000000000000", "1.0E+15"),
            (100.0, "100", "100"),
            (0.1, "0.1", "0.1"),
            (1234.5669999999602, "1234.5669999999602", "1234.567"),
            (0.00001, "1.0e-5", "1.0E-5"),
            (1.5e25, "1.5e+25", "1.5E+25"),
            (-2.5, "-2.5", "-2.5"),
        ] {
            assert_eq!(php_float(f, 17, 'e'), json);
            assert_eq!(php_float(f, 14, 'E'), text);
        }
    }
}
