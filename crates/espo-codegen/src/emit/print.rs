//! Text of generated items: prettyplease, with blank lines between items and lines of up to 120 columns.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{File, Item};

use super::BANNER;

/// Lines that prettyplease breaks are joined again up to this width. With its own width of 89, every other constant
/// would take three lines.
const WIDTH: usize = 120;

/// A generated file that is printed part by part.
pub(super) struct Printer {
    text: String,
    last: Option<Shape>,
}

/// The kind of an item, which decides whether a blank line separates it from the next one.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Import,
    Constant,
    Alias,
    /// A macro with parentheses, which adds to the type before it.
    Call,
    Other,
}

impl Printer {
    /// A file with this doc comment and an expected size of `size` bytes.
    pub(super) fn new(about: Option<&str>, size: usize) -> Self {
        let mut text = String::with_capacity(size);
        text.push_str(BANNER);
        if let Some(about) = about {
            let lines = about.lines().map(|line| match line {
                "" => String::new(),
                line => format!(" {line}"),
            });
            text.push_str(&unparse(syn::parse_quote!(#(#![doc = #lines])*)));
        }
        Self { text, last: None }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// Prints items.
    pub(super) fn add(&mut self, items: TokenStream) {
        let items = match syn::parse2::<File>(items) {
            Ok(file) => file.items,
            // The template is not valid Rust; the compiler reports it.
            Err(error) => {
                return self.text.push_str(&error.into_compile_error().to_string());
            }
        };
        for item in items {
            let shape = shape(&item);
            let stands_with =
                shape == Shape::Call || shape != Shape::Other && self.last == Some(shape);
            if self.last.is_some() && !stands_with {
                self.text.push('\n');
            }
            self.push(item);
            self.last = Some(shape);
        }
    }

    fn push(&mut self, item: Item) {
        // A table: one row per line.
        if let Item::Macro(call) = &item
            && call
                .mac
                .path
                .segments
                .last()
                .is_some_and(|name| name.ident == "record" || name.ident == "labels")
        {
            return self.table(&call.mac);
        }
        // The enums and structs in `espo-core`'s macros are items, except for the values of variants.
        if let Item::Macro(call) = &item
            && shape(&item) != Shape::Call
            && let Ok(inner) = syn::parse2::<Item>(call.mac.tokens.clone())
        {
            let path = call.mac.path.to_token_stream().to_string().replace(' ', "");
            self.text.push_str(&path);
            self.text.push_str("! {\n");
            for line in unparse(file_of(inner)).lines() {
                self.text.push_str("    ");
                self.text.push_str(line);
                self.text.push('\n');
            }
            return self.text.push_str("}\n");
        }
        self.text
            .push_str(&separate(&join(&unparse(file_of(item)))));
    }
}

impl Printer {
    /// A row per line; rows of labels, of which there are thousands, share lines.
    fn table(&mut self, call: &syn::Macro) {
        let name = call.path.segments.last().map(|name| &name.ident);
        let name = name.map(ToString::to_string).unwrap_or_default();
        let is_packed = name == "labels";
        self.text.push_str(&format!("espo_core::{name}! {{\n"));
        let (mut line, mut row, mut kind) = (String::new(), TokenStream::new(), String::new());
        for token in call.tokens.clone() {
            let is_end = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ';');
            row.extend([token]);
            if !is_end {
                continue;
            }
            let row = std::mem::take(&mut row);
            let first = row.clone().into_iter().next();
            let first = first.map(|token| token.to_string()).unwrap_or_default();
            let mut text = String::new();
            inline(&mut text, row);
            let fits = line.chars().count() + text.chars().count() < WIDTH;
            if is_packed && fits && first == kind {
                line.push(' ');
            } else {
                self.text.push_str(&line);
                line = if line.is_empty() { "    " } else { "\n    " }.to_owned();
            }
            line.push_str(&text);
            kind = first;
        }
        self.text.push_str(&line);
        self.text.push_str("\n}\n");
    }
}

/// Tokens on one line.
fn inline(text: &mut String, tokens: TokenStream) {
    let mut is_first = true;
    for token in tokens {
        let (is_group, is_end) = match &token {
            TokenTree::Group(_) => (true, false),
            TokenTree::Punct(punct) => (false, matches!(punct.as_char(), ',' | ';')),
            _ => (false, false),
        };
        if !is_first && !is_group && !is_end {
            text.push(' ');
        }
        is_first = false;
        match token {
            TokenTree::Group(group) => {
                text.push('(');
                inline(text, group.stream());
                text.push(')');
            }
            token => text.push_str(&token.to_string()),
        }
    }
}

fn shape(item: &Item) -> Shape {
    match item {
        Item::Use(_) | Item::Mod(syn::ItemMod { content: None, .. }) => Shape::Import,
        Item::Const(_) => Shape::Constant,
        Item::Type(_) => Shape::Alias,
        Item::Macro(item) if !matches!(item.mac.delimiter, syn::MacroDelimiter::Brace(_)) => {
            Shape::Call
        }
        _ => Shape::Other,
    }
}

fn file_of(item: Item) -> File {
    File {
        shebang: None,
        frontmatter: None,
        attrs: Vec::new(),
        items: vec![item],
    }
}

/// The text of one item.
pub(super) fn item(tokens: TokenStream) -> String {
    match syn::parse2(tokens) {
        Ok(item) => join(&unparse(file_of(item))),
        Err(error) => error.into_compile_error().to_string(),
    }
}

fn unparse(file: File) -> String {
    prettyplease::unparse(&file)
}

/// Joins lists in parentheses and angle brackets that were broken, if they fit on one line. A literal is never broken
/// and ends with a quote, so a bracket in a literal is not mistaken for code.
fn join(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    // The lines at which parentheses were opened.
    let mut open: Vec<usize> = Vec::new();
    for line in text.lines() {
        let is_comment = line.trim_start().starts_with("//");
        let is_end = |line: &str| line.trim_start().starts_with([')', ']', '}', '>']);
        if !is_comment && is_end(line) {
            let start = open.pop();
            lines.push(line.to_owned());
            if let Some(start) = start
                && line.trim_start().starts_with([')', '>'])
                && let Some(joined) = joined(&lines[start..])
            {
                lines.truncate(start);
                lines.push(joined);
            }
        } else {
            lines.push(line.to_owned());
        }
        if !is_comment && line.ends_with(['(', '[', '{', '<']) {
            open.push(lines.len() - 1);
        }
    }
    lines.join("\n") + "\n"
}

/// `f(`, `a,`, `b,`, `);` as one line.
fn joined(lines: &[String]) -> Option<String> {
    let [first, inner @ .., last] = lines else {
        return None;
    };
    let simple =
        |line: &String| line.ends_with(',') && !line.trim_start().starts_with(['/', '#', '.']);
    if !first.ends_with(['(', '<']) || !inner.iter().all(simple) {
        return None;
    }
    let inner: Vec<&str> = inner.iter().map(|line| line.trim()).collect();
    let joined = format!(
        "{first}{}{}",
        inner.join(" ").trim_end_matches(','),
        last.trim_start()
    );
    (joined.chars().count() <= WIDTH).then_some(joined)
}

/// Blank lines between the functions of a block.
fn separate(text: &str) -> String {
    let mut separated = String::with_capacity(text.len() + text.len() / 16);
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        separated.push_str(line);
        separated.push('\n');
        let indent = line.len() - line.trim_start().len();
        let code = line.trim_start();
        let ends_item = indent > 0
            && (code == "}" || code == "];" || code.ends_with("{}") || code.ends_with(';'));
        let goes_on = lines.peek().is_some_and(|next| {
            let next_code = next.trim_start();
            let is_function = next_code.starts_with("fn ") || next_code.starts_with("pub fn ");
            let starts_item = ["///", "#[", "pub "]
                .iter()
                .any(|s| next_code.starts_with(s));
            // Consecutive constants have no blank lines between them, nor do consecutive types.
            let has_body = !code.ends_with(';') || code == "];" || code.starts_with("use ");
            next.len() - next_code.len() == indent && (is_function || starts_item && has_body)
        });
        if ends_item && goes_on {
            separated.push('\n');
        }
    }
    separated
}

#[cfg(test)]
mod tests {
    use quote::quote;

    #[test]
    fn generated_files_are_formatted_like_handwritten_code() {
        let long = "x".repeat(60);
        let mut printer = super::Printer::new(Some("A module."), 0);
        printer.add(quote! {
            use a::*;
            #[doc = " One."]
            pub const ONE: Field<Account, kind::Unordered<kind::Bool>, access::ReadOnly> = Field::new("one");
            #[doc = " Two */ \" ("]
            pub const TWO: Field<Account, kind::Unordered<kind::Bool>, access::ReadOnly> = Field::new(#long);
            impl A {
                fn f(self) {}
                #[doc = " G."]
                fn g(self, first: impl Into<SomeLongTypeName>, second: impl Into<SomeLongTypeName>) -> A { self.with("g", first) }
            }
            espo_core::enumeration! {
                #[doc = " E."]
                pub enum E { A = "a", B = "\"*/\n" }
            }
        });
        let expected = format!(
            r#"{}//! A module.
use a::*;

/// One.
pub const ONE: Field<Account, kind::Unordered<kind::Bool>, access::ReadOnly> = Field::new("one");
/// Two */ " (
pub const TWO: Field<Account, kind::Unordered<kind::Bool>, access::ReadOnly> = Field::new(
    "{long}",
);

impl A {{
    fn f(self) {{}}

    /// G.
    fn g(self, first: impl Into<SomeLongTypeName>, second: impl Into<SomeLongTypeName>) -> A {{
        self.with("g", first)
    }}
}}

espo_core::enumeration! {{
    /// E.
    pub enum E {{
        A = "a",
        B = "\"*/\n",
    }}
}}
"#,
            super::BANNER
        );
        assert_eq!(printer.into_text(), expected);
    }
}
