//! Text of generated items: prettyplease, with blank lines between items and lines of up to 120 columns.

mod direct;

use direct::Printed;
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

/// The kind of an item, which determines whether a blank line separates it from the next one.
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
        for item in direct::items(items) {
            let start = self.text.len();
            match direct::print(&mut self.text, item) {
                Printed::Done(shape) => self.separate_from_last(shape, start),
                Printed::Table(name, rows) => {
                    self.table(&name, rows);
                    self.separate_from_last(Shape::Other, start);
                }
                Printed::Unformatted => {
                    let code = self.text.split_off(start);
                    self.parse(syn::parse_file(&code));
                }
            }
        }
    }

    /// Prints items with prettyplease.
    fn parse(&mut self, items: syn::Result<File>) {
        let items = match items {
            Ok(file) => file.items,
            // The template is not valid Rust; the compiler reports it.
            Err(error) => {
                return self.text.push_str(&error.into_compile_error().to_string());
            }
        };
        for item in items {
            let (shape, start) = (shape(&item), self.text.len());
            self.push(item);
            self.separate_from_last(shape, start);
        }
    }

    /// Puts a blank line before the item at `start`, if its shape needs one.
    fn separate_from_last(&mut self, shape: Shape, start: usize) {
        let stands_with = shape == Shape::Call || shape != Shape::Other && self.last == Some(shape);
        if self.last.is_some() && !stands_with {
            self.text.insert(start, '\n');
        }
        self.last = Some(shape);
    }

    fn push(&mut self, item: Item) {
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
    /// One row per line, except for the thousands of rows of labels, which share lines.
    fn table(&mut self, name: &str, rows: TokenStream) {
        let is_packed = name == "labels";
        self.text.push_str(&format!("espo_core::{name}! {{\n"));
        let (mut line, mut row, mut kind) = (String::new(), TokenStream::new(), String::new());
        for token in rows {
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

/// Formats a function with prettyplease and adds it to the text as part of an implementation. Returns whether the text is
/// final; the function is added as it is if it cannot be parsed.
fn push_function(text: &mut String, function: &str) -> bool {
    let Ok(file) = syn::parse_file(&format!("impl X {{\n{function}}}\n")) else {
        text.push_str(function);
        return false;
    };
    let block = join(&unparse(file));
    let inner = block
        .strip_prefix("impl X {\n")
        .and_then(|rest| rest.strip_suffix("}\n"));
    text.push_str(inner.unwrap_or(function));
    inner.is_some()
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
    fn direct_printing_equals_prettyplease() {
        let long = quote::format_ident!("{}", "x".repeat(36));
        for item in [
            quote!(
                pub const ONE: Field<Account, kind::Id<User>, access::NonNull> =
                    Field::new("a\"\n");
            ),
            quote! {
                /// The links of "it" \\ there.
                pub mod links {
                    use super::*;
                    /// One.
                    pub const ONE: Link<A, B, link::ReadOnlyLink<link::HasMany>> = Link::new("one");
                    pub const #long: Link<Account, Contact, link::ManyToMany> = Link::new("a");
                }
            },
            quote! {
                #[doc = ""]
                #[doc = "  text  "]
                #[derive(Clone, Debug)]
                pub struct A {
                    /// A map.
                    pub r#type: Option<Columns<User, #long>>,
                    pub list: Option<Vec<(Id<A>, &'static str)>>,
                }
            },
            quote! {
                impl<M> AWrite<M> {
                    /// Sets it.
                    pub fn a(self, value: impl IntoIterator<Item = impl Into<Id<A>>>) -> Self {
                        self.with("a", value.into_iter().map(Into::into).collect::<Vec<Id<A>>>())
                    }
                    pub fn b(mut self, value: impl Into<#long>, other: impl Into<#long>) -> Self {
                        self.0.put_parent("b", "c", &value.into());
                        self
                    }
                    fn c(&self) -> Option<(A, B)> {
                        Some(A::from_parts(self.b.as_deref()?, self.#long.as_ref()?.as_str()))
                    }
                    fn d() {}
                }
            },
            quote! {
                impl A {
                    fn a(self) {}
                    fn a_chain(self) -> Self { self.#long(1).#long(2).b(3).c(4) }
                    /// A second one.
                    fn b(self) {}
                }
            },
            quote!(impl HasStream for A {}),
            quote!(use super::{#long, A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, Q, R};),
            quote!(pub type ANew = AWrite<Create>; espo_core::write_type!(A, AWrite); impl A {}),
            quote!(espo_core::enumeration! { /** An enum.*/ pub enum E { A = "a", #long = "b" } }),
            quote!(espo_core::parent! { pub enum P { A(Account) = "Account" } }),
            quote!(espo_core::parent! { pub enum P {} }),
            quote!(
                espo_core::columns! { pub struct C { #[column("a")] a: String, #[column("b")] b: Vec<Id<A>> } }
            ),
            quote!(impl A { #[doc(hidden)] pub const ONE: bool = true; #[doc(hidden)] pub const TWO: bool = true; }),
            quote!(
                pub const EXPECTED: &[Expected] = &[
                    #[cfg(feature = "a")]
                    Expected::of::<a::A>(),
                ];
            ),
            quote!(
                pub struct A(RecordRef<B>);
            ),
            quote!(impl A { const B: &'static str = "b"; type C = D; }),
            quote!(impl A { fn a(self) -> Self { self.#long(1).#long(2).b(3) } }),
        ] {
            let mut direct = super::Printer::new(None, 0);
            direct.add(item.clone());
            let mut parsed = super::Printer::new(None, 0);
            parsed.parse(syn::parse2(item));
            assert_eq!(direct.into_text(), parsed.into_text());
        }
    }

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
