//! Text of a Rust file: indentation, docs, and where a line is broken.

use std::fmt::{Display, Write as _};

use crate::names::is_invisible;

/// Longer lines are broken where the writer knows how.
const WIDTH: usize = 120;

/// A Rust file as it is written.
#[derive(Debug, Default)]
pub(crate) struct Code {
    text: String,
    depth: usize,
}

impl Code {
    /// A file of about so many bytes, which begins with these lines.
    pub(crate) fn new(start: &str, size: usize) -> Self {
        let mut text = String::with_capacity(size);
        text.push_str(start);
        Self { text, depth: 0 }
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// One line.
    pub(crate) fn line(&mut self, line: impl Display) {
        self.indent();
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{line}");
    }

    /// An empty line; only one where several are asked for, and none at the start of a block.
    pub(crate) fn blank(&mut self) {
        if !self.text.ends_with("\n\n") && !self.text.ends_with("{\n") {
            self.text.push('\n');
        }
    }

    /// A line, indented lines and a closing brace.
    pub(crate) fn block(&mut self, head: impl Display, body: impl FnOnce(&mut Self)) {
        self.between(head, "}", body);
    }

    /// A line, indented lines and another line.
    pub(crate) fn between(&mut self, head: impl Display, end: &str, body: impl FnOnce(&mut Self)) {
        self.line(head);
        self.indented(body);
        self.line(end);
    }

    /// Lines one step further in.
    pub(crate) fn indented(&mut self, body: impl FnOnce(&mut Self)) {
        self.depth += 1;
        body(self);
        self.depth -= 1;
    }

    /// A doc comment of one line or several, whatever the text holds.
    pub(crate) fn docs(&mut self, text: impl AsRef<str>) {
        for line in text.as_ref().lines() {
            let line = line.replace(|c: char| c.is_control() || is_invisible(c), " ");
            self.line(format_args!("/// {}", line.trim_end()));
        }
    }

    /// What begins with `head` and ends with `tail`, on one line if it fits, else with each argument on a line.
    pub(crate) fn call(&mut self, head: &str, arguments: &[&str], tail: &str) {
        let width = |text: &str| text.chars().count();
        let inside: usize = arguments.iter().map(|argument| width(argument) + 2).sum();
        if self.depth * 4 + width(head) + inside + width(tail) <= WIDTH {
            self.line(format_args!("{head}{}{tail}", arguments.join(", ")));
        } else {
            self.between(head, tail, |code| {
                for argument in arguments {
                    code.line(format_args!("{argument},"));
                }
            });
        }
    }

    /// What is left of `=` and right of it, on two lines if one is too short.
    pub(crate) fn assignment(&mut self, left: &str, right: &str) {
        if self.depth * 4 + left.chars().count() + right.chars().count() + 2 < WIDTH {
            self.line(format_args!("{left} = {right};"));
        } else {
            self.line(format_args!("{left} ="));
            self.indented(|code| code.line(format_args!("{right};")));
        }
    }

    /// A list of names in braces, as many on a line as fit.
    pub(crate) fn names<'a>(&mut self, head: &str, names: impl Iterator<Item = &'a str>) {
        let names: Vec<&str> = names.collect();
        let one_line = format!("{head}{{{}}};", names.join(", "));
        if one_line.chars().count() <= WIDTH {
            return self.line(one_line);
        }
        self.between(format_args!("{head}{{"), "};", |code| {
            let mut line = String::new();
            for name in names {
                if line.chars().count() + name.chars().count() + 6 > WIDTH {
                    code.line(line.trim_end());
                    line.clear();
                }
                line.push_str(name);
                line.push_str(", ");
            }
            code.line(line.trim_end());
        });
    }

    fn indent(&mut self) {
        self.text.extend(std::iter::repeat_n("    ", self.depth));
    }
}

/// Text as a Rust literal.
pub(crate) fn literal(text: &str) -> String {
    format!("{text:?}")
}

#[cfg(test)]
mod tests {
    use super::{Code, literal};

    #[test]
    fn docs_hold_whatever_a_text_holds() {
        let mut code = Code::default();
        code.docs("one\ntwo\r\u{202e}three */ {");
        assert_eq!(code.into_text(), "/// one\n/// two  three */ {\n");
    }

    #[test]
    fn what_is_too_long_is_broken() {
        let long = "x".repeat(100);
        let mut code = Code::default();
        code.block("impl A {", |code| {
            code.blank();
            code.call("fn f(", &["self", "value: u8"], ") -> Self {");
            code.call("fn f(", &["self", &long], ") -> Self {");
            code.assignment("a", &long);
            code.assignment(&long, "Field::new(\"name\")");
        });
        let expected = format!(
            "impl A {{\n    fn f(self, value: u8) -> Self {{\n    fn f(\n        self,\n        {long},\n    ) -> Self {{\n    \
             a = {long};\n    {long} =\n        Field::new(\"name\");\n}}\n"
        );
        assert_eq!(code.into_text(), expected);
    }

    #[test]
    fn a_literal_is_the_text() {
        for text in ["", "\"", "\\", "\n", "\u{202e}", "💥", "{}", "'"] {
            let literal = syn::parse_str::<syn::LitStr>(&literal(text)).expect("a literal");
            assert_eq!(literal.value(), text);
        }
    }
}
