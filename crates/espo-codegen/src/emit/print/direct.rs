//! Text of items from their tokens, one statement, field or signature per line.
//!
//! For most of the generated code, this is what prettyplease prints as well. Parsing it first would take half of the time
//! of the generator. An item with a line that prettyplease would break, or with code of another form, is marked, and the
//! caller formats its text with prettyplease.

use std::fmt::Write as _;
use std::vec::IntoIter;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::{Shape, WIDTH};

/// The width of prettyplease. Longer signatures, types and lists are joined again up to [`WIDTH`]; chains of calls in
/// statements, and everything in macros, are not.
const UNBROKEN: usize = 89;

const INDENT: usize = 4;

/// Splits a template into its items.
pub(super) fn items(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let (mut items, mut item) = (Vec::new(), Vec::new());
    for token in tokens {
        let ends = match &token {
            TokenTree::Punct(punct) => punct.as_char() == ';',
            TokenTree::Group(group) => {
                group.delimiter() == Delimiter::Brace && keyword(&item) != Some(Keyword::Use)
            }
            _ => false,
        };
        item.push(token);
        if ends {
            items.push(std::mem::take(&mut item));
        }
    }
    if !item.is_empty() {
        items.push(item);
    }
    items
}

/// The kind of an item.
#[derive(Clone, Copy, PartialEq)]
enum Keyword {
    Use,
    Const,
    Type,
    Record,
    Impl,
    Mod,
    Fn,
    Macro,
}

fn keyword(item: &[TokenTree]) -> Option<Keyword> {
    item.iter().find_map(|token| match token {
        TokenTree::Punct(punct) if punct.as_char() == '!' => Some(Keyword::Macro),
        TokenTree::Ident(ident) => [
            ("use", Keyword::Use),
            ("const", Keyword::Const),
            ("type", Keyword::Type),
            ("struct", Keyword::Record),
            ("enum", Keyword::Record),
            ("impl", Keyword::Impl),
            ("mod", Keyword::Mod),
            ("fn", Keyword::Fn),
        ]
        .into_iter()
        .find_map(|(word, keyword)| (ident == word).then_some(keyword)),
        _ => None,
    })
}

/// The result of printing an item.
pub(super) enum Printed {
    /// The text is final.
    Done(Shape),
    /// The text is valid code; prettyplease has to format it.
    Unformatted,
    /// Nothing was printed: a table of `espo-core`, whose rows have a special form.
    Table(String, TokenStream),
}

/// Prints an item at the end of the text.
pub(super) fn print(text: &mut String, mut item: Vec<TokenTree>) -> Printed {
    if let Some((name, rows)) = table(&mut item) {
        return Printed::Table(name, rows);
    }
    let mut printer = Direct {
        text,
        width: WIDTH,
        is_final: true,
    };
    let shape = printer.item(item, 0);
    match printer.is_final {
        true => Printed::Done(shape),
        false => Printed::Unformatted,
    }
}

/// The name and the rows of `espo_core::record! { … }` and similar macros.
fn table(item: &mut Vec<TokenTree>) -> Option<(String, TokenStream)> {
    let [
        ..,
        TokenTree::Ident(name),
        TokenTree::Punct(mark),
        TokenTree::Group(_),
    ] = item.as_slice()
    else {
        return None;
    };
    if mark.as_char() != '!' || !(name == "record" || name == "labels") {
        return None;
    }
    let name = name.to_string();
    match item.pop() {
        Some(TokenTree::Group(group)) => Some((name, group.stream())),
        _ => None,
    }
}

struct Direct<'t> {
    text: &'t mut String,
    /// Width up to which lines are not broken, or joined again.
    width: usize,
    is_final: bool,
}

impl Direct<'_> {
    fn item(&mut self, item: Vec<TokenTree>, indent: usize) -> Shape {
        let keyword = keyword(&item);
        let mut item = self.attributes(item, indent);
        let is_block = matches!(item.as_slice().last(), Some(TokenTree::Group(_)));
        let body = match is_block.then(|| item.next_back()).flatten() {
            Some(TokenTree::Group(body)) if body.delimiter() == Delimiter::Brace => body,
            Some(other) => {
                self.is_final = false;
                self.line(item.chain([other]), indent, UNBROKEN, "");
                return Shape::Other;
            }
            None => return self.statement(keyword, item, indent),
        };
        if body.stream().is_empty() {
            self.line(item, indent, UNBROKEN, " {}");
            // An enum without variants has a special form in a macro.
            self.is_final &= self.width == WIDTH;
            return Shape::Other;
        }
        self.line(item, indent, UNBROKEN, " {");
        let inner = indent + INDENT;
        match keyword {
            Some(Keyword::Record) => self.fields(contents(body), inner),
            Some(Keyword::Impl) => self.functions(contents(body), inner),
            Some(Keyword::Mod) => self.constants(contents(body), inner),
            Some(Keyword::Macro) => {
                let width = std::mem::replace(&mut self.width, UNBROKEN);
                self.item(contents(body).into_iter().collect(), inner);
                self.width = width;
            }
            _ => {
                self.is_final = false;
                self.line(contents(body), inner, UNBROKEN, "");
            }
        }
        self.close(indent);
        Shape::Other
    }

    /// An item that ends with a semicolon.
    fn statement(
        &mut self,
        keyword: Option<Keyword>,
        item: IntoIter<TokenTree>,
        indent: usize,
    ) -> Shape {
        let (shape, width) = match keyword {
            Some(Keyword::Const) => (Shape::Constant, self.width),
            Some(Keyword::Use) => (Shape::Import, UNBROKEN),
            Some(Keyword::Type) => (Shape::Alias, UNBROKEN),
            Some(Keyword::Macro) => (Shape::Call, UNBROKEN),
            Some(Keyword::Mod) => (Shape::Import, UNBROKEN),
            _ => (Shape::Other, UNBROKEN),
        };
        self.line(item, indent, width, "");
        shape
    }

    fn close(&mut self, indent: usize) {
        self.spaces(indent);
        self.text.push_str("}\n");
    }

    fn spaces(&mut self, count: usize) {
        self.text.extend(std::iter::repeat_n(' ', count));
    }

    /// The fields of a struct, or the variants of an enum.
    fn fields(&mut self, body: TokenStream, indent: usize) {
        let (mut field, mut depth) = (Vec::new(), 0);
        for token in body {
            if let TokenTree::Punct(punct) = &token {
                match punct.as_char() {
                    '<' => depth += 1,
                    '>' => depth -= 1,
                    ',' if depth == 0 => {
                        self.field(std::mem::take(&mut field), indent);
                        continue;
                    }
                    _ => {}
                }
            }
            field.push(token);
        }
        if !field.is_empty() {
            self.field(field, indent);
        }
    }

    fn field(&mut self, field: Vec<TokenTree>, indent: usize) {
        let code = self.attributes(field, indent);
        self.line(code, indent, self.width, ",");
    }

    /// Imports and constants of a module.
    fn constants(&mut self, body: TokenStream, indent: usize) {
        let mut last = None;
        for item in items(body) {
            let start = self.text.len();
            let shape = self.item(item, indent);
            if last.is_some_and(|last| last != shape) {
                self.text.insert(start, '\n');
            }
            last = Some(shape);
        }
    }

    /// The functions of an implementation, or its constants and types.
    fn functions(&mut self, body: TokenStream, indent: usize) {
        let mut last = None;
        for item in items(body) {
            let keyword = keyword(&item);
            if last.is_some_and(|last| last != keyword) {
                self.is_final = false;
            }
            if last.is_some() && keyword == Some(Keyword::Fn) {
                self.text.push('\n');
            }
            last = Some(keyword);
            if keyword == Some(Keyword::Fn) {
                let (start, was_final) = (self.text.len(), self.is_final);
                self.function(item, indent);
                if was_final && !self.is_final {
                    let function = self.text.split_off(start);
                    self.is_final = super::push_function(self.text, &function);
                }
            } else {
                self.item(item, indent);
            }
        }
    }

    fn function(&mut self, item: Vec<TokenTree>, indent: usize) {
        let mut head = self.attributes(item, indent);
        let Some(TokenTree::Group(body)) = head.next_back() else {
            self.is_final = false;
            return;
        };
        let body = contents(body);
        if body.is_empty() {
            return self.line(head, indent, UNBROKEN, " {}");
        }
        self.line(head, indent, WIDTH, " {");
        let mut statement = Vec::new();
        for token in body {
            let ends = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ';');
            statement.push(token);
            if ends {
                self.line(
                    std::mem::take(&mut statement),
                    indent + INDENT,
                    UNBROKEN,
                    "",
                );
            }
        }
        if !statement.is_empty() {
            self.line(statement, indent + INDENT, UNBROKEN, "");
        }
        self.close(indent);
    }

    /// Prints doc comments and other attributes, and returns the tokens after them.
    fn attributes(&mut self, item: Vec<TokenTree>, indent: usize) -> IntoIter<TokenTree> {
        let mut item = item.into_iter();
        while let [TokenTree::Punct(mark), TokenTree::Group(_), ..] = item.as_slice() {
            if mark.as_char() != '#' {
                break;
            }
            let Some(TokenTree::Group(group)) = item.nth(1) else {
                break;
            };
            let content: Vec<TokenTree> = contents(group).into_iter().collect();
            self.spaces(indent);
            let comment = match content.as_slice() {
                [TokenTree::Ident(doc), _, TokenTree::Literal(literal)] if doc == "doc" => {
                    let comment = comment(&literal.to_string());
                    self.is_final &= comment.is_some();
                    comment
                }
                _ => None,
            };
            if let Some(comment) = comment {
                self.text.push_str("///");
                self.text.push_str(comment.trim_end_matches(' '));
            } else {
                self.text.push_str("#[");
                self.code(content);
                self.text.push(']');
            }
            self.text.push('\n');
        }
        item
    }

    /// Prints tokens on one line.
    fn line(
        &mut self,
        tokens: impl IntoIterator<Item = TokenTree>,
        indent: usize,
        width: usize,
        end: &str,
    ) {
        let start = self.text.len();
        self.spaces(indent);
        self.code(tokens);
        self.text.push_str(end);
        let line = &self.text[start..];
        self.is_final &= line.len() <= width || line.chars().count() <= width;
        self.text.push('\n');
    }

    /// Prints code without line breaks, with the spaces that prettyplease puts into code of the generated kind.
    fn code(&mut self, tokens: impl IntoIterator<Item = TokenTree>) {
        let mut after = After::Open;
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            let next = match tokens.peek() {
                Some(TokenTree::Punct(next)) => Some(next.as_char()),
                _ => None,
            };
            match token {
                TokenTree::Group(group) => {
                    self.group(group, after);
                    after = After::Word;
                }
                TokenTree::Punct(punct) => {
                    let c = punct.as_char();
                    if matches!((c, next), (':', Some(':')) | ('-', Some('>'))) {
                        tokens.next();
                        self.text.push_str(if c == ':' { "::" } else { " ->" });
                        after = if c == ':' { After::Open } else { After::Spaced };
                    } else {
                        after = self.punct(c, after);
                    }
                }
                word => {
                    if after != After::Open {
                        self.text.push(' ');
                    }
                    // Writing to a String cannot fail.
                    let _ = match word {
                        TokenTree::Ident(ident) => write!(self.text, "{ident}"),
                        word => write!(self.text, "{word}"),
                    };
                    after = After::Word;
                }
            }
        }
    }

    fn group(&mut self, group: Group, after: After) {
        let (open, close) = match group.delimiter() {
            Delimiter::Parenthesis => ("(", ")"),
            Delimiter::Bracket => ("[", "]"),
            delimiter => {
                self.is_final = false;
                match delimiter {
                    Delimiter::Brace => (" {", "}"),
                    _ => ("", ""),
                }
            }
        };
        if after == After::Spaced {
            self.text.push(' ');
        }
        self.text.push_str(open);
        self.code(contents(group));
        self.text.push_str(close);
    }

    fn punct(&mut self, c: char, after: After) -> After {
        match c {
            ',' | ':' | ';' => {
                self.text.push(c);
                After::Spaced
            }
            '.' | '<' => {
                self.text.push(c);
                After::Open
            }
            '?' | '>' => {
                self.text.push(c);
                After::Word
            }
            '!' if after == After::Word => {
                self.text.push(c);
                After::Open
            }
            '=' if after != After::Open => {
                self.text.push_str(" =");
                After::Spaced
            }
            '&' | '\'' | '*' => {
                if after != After::Open {
                    self.text.push(' ');
                }
                self.text.push(c);
                After::Open
            }
            c => {
                self.is_final = false;
                self.text.push(' ');
                self.text.push(c);
                After::Spaced
            }
        }
    }
}

/// The tokens in brackets. The group is consumed, because its tokens would be copied otherwise.
fn contents(group: Group) -> TokenStream {
    group.stream()
}

/// The text of a doc comment from its literal, if it can be written as such a comment.
fn comment(literal: &str) -> Option<String> {
    let plain = literal.strip_prefix("r\"").or_else(|| {
        // Backslashes are escapes here.
        literal
            .strip_prefix('"')
            .filter(|_| !literal.contains('\\'))
    });
    let content = match plain.and_then(|rest| rest.strip_suffix('"')) {
        Some(content) => content.to_owned(),
        None => syn::parse_str::<syn::LitStr>(literal).ok()?.value(),
    };
    (!content.starts_with('/') && !content.contains(['\n', '\r'])).then_some(content)
}

/// The token before the next one, which determines the space between them.
#[derive(Clone, Copy, PartialEq)]
enum After {
    /// Nothing, or a token that no space follows.
    Open,
    /// An identifier, a literal or a closing bracket.
    Word,
    /// A token that a space follows.
    Spaced,
}
