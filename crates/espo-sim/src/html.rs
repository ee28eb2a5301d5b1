//! Converts HTML to plain text in the style of Markdown, for `bodyPlain`. Whitespace and escapes are the same as in
//! the converter of real servers; lines end with CR LF.

/// Converts HTML to Markdown. Of unknown elements, only the contents are kept.
pub(crate) fn to_markdown(html: &str) -> String {
    let mut out = Writer::default();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        out.text(&rest[..at]);
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        let is_tag = rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
        let Some(end) = rest.find('>').filter(|_| is_tag) else {
            out.text("<");
            rest = &rest[1..];
            continue;
        };
        let tag = &rest[1..end];
        rest = &rest[end + 1..];
        let name: String = tag
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_ascii_lowercase();
        let closes = tag.starts_with('/');
        if name == "pre" && !closes {
            let lower = rest.to_ascii_lowercase();
            let end = lower.find("</pre").unwrap_or(rest.len());
            out.code_block(&rest[..end]);
            rest = rest[end..].split_once('>').map_or("", |(_, after)| after);
            continue;
        }
        out.tag(&name, tag, closes);
    }
    out.text(rest);
    out.finish()
}

/// The text written so far, and the open elements.
#[derive(Debug, Default)]
struct Writer {
    out: String,
    /// Number of line breaks to write before the next text.
    breaks: usize,
    /// Whether an element was opened. Whitespace at the very beginning is ignored until then.
    begun: bool,
    /// Open lists: the number of the next item, or none if items are not numbered.
    lists: Vec<Option<usize>>,
    /// Open emphasis, headings and quotations, with the positions of their text.
    open: Vec<(String, usize)>,
    /// Targets of open links, with the positions of their text.
    links: Vec<(Option<String>, usize)>,
}

impl Writer {
    /// Adds text between tags. Whitespace is reduced to one space, and Markdown syntax is escaped.
    fn text(&mut self, raw: &str) {
        if raw.is_empty() {
            return;
        }
        let text = unescape(raw);
        let at_start = self.breaks > 0 || (self.out.is_empty() && !self.begun);
        if at_start && text.trim().is_empty() {
            return;
        }
        let mut shrunk = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                c if c.is_whitespace() => {
                    if !shrunk.ends_with(' ') {
                        shrunk.push(' ');
                    }
                }
                '*' | '_' | '[' | ']' | '\\' => {
                    shrunk.push('\\');
                    shrunk.push(c);
                }
                c => shrunk.push(c),
            }
        }
        let line_begins = self.breaks > 0 || self.out.is_empty();
        let shrunk = match (self.out.is_empty() && !self.begun, line_begins) {
            (true, _) => escape_start(shrunk.trim_start()),
            (_, true) => escape_start(&shrunk),
            _ => shrunk,
        };
        self.write(&shrunk);
    }

    fn write(&mut self, text: &str) {
        if self.breaks > 0 && !self.out.is_empty() {
            self.out.truncate(self.out.trim_end().len());
            self.out.push_str(&"\n".repeat(self.breaks));
        }
        self.breaks = 0;
        self.out.push_str(text);
    }

    /// Begins or ends a block; inside a list, the item continues.
    fn block(&mut self) {
        if self.lists.is_empty() {
            self.breaks = 2;
        }
    }

    fn code_block(&mut self, raw: &str) {
        self.block();
        self.write(&format!("```\n{}\n```", unescape(raw).trim_end()));
        self.block();
    }

    fn tag(&mut self, name: &str, tag: &str, closes: bool) {
        self.begun = true;
        match (name, closes) {
            ("b" | "strong", _) => self.mark("**", closes),
            ("i" | "em", _) => self.mark("*", closes),
            ("code", _) => self.mark("`", closes),
            ("br", _) => self.write("  \n"),
            ("hr", _) => {
                self.block();
                self.write("---");
                self.block();
            }
            ("a", false) => {
                self.write("");
                self.links.push((attribute(tag, "href"), self.out.len()));
            }
            ("a", true) => self.link(),
            ("ul", false) => self.list(None),
            ("ol", false) => self.list(Some(1)),
            ("ul" | "ol", true) => {
                self.lists.pop();
                self.block();
            }
            ("li", false) => self.item(),
            ("h1" | "h2" | "h3" | "h4" | "h5" | "h6", _) => self.heading(name, closes),
            ("blockquote", _) => self.quote(closes),
            ("p" | "div", _) => self.block(),
            _ => {}
        }
    }

    /// Removes and returns the text since the last element with this name was opened.
    fn taken(&mut self, name: &str) -> Option<String> {
        let at = self.open.iter().rposition(|(open, _)| open == name)?;
        let (_, from) = self.open.remove(at);
        let from = from.min(self.out.len());
        Some(self.out.split_off(from))
    }

    fn opened(&mut self, name: &str) {
        self.write("");
        self.open.push((name.to_owned(), self.out.len()));
    }

    /// Emphasis: the mark directly precedes or follows the text; empty emphasis has no marks.
    fn mark(&mut self, mark: &str, closes: bool) {
        if !closes {
            self.opened(mark);
            return;
        }
        let Some(text) = self.taken(mark) else { return };
        let inner = text.trim();
        if inner.is_empty() {
            self.out.push_str(&text);
            return;
        }
        let before = &text[..text.len() - text.trim_start().len()];
        let after = &text[text.trim_end().len()..];
        self.out
            .push_str(&format!("{before}{mark}{inner}{mark}{after}"));
    }

    fn link(&mut self) {
        let Some((href, at)) = self.links.pop() else {
            return;
        };
        let text = self.out.split_off(at.min(self.out.len()));
        let written = match href {
            None => format!("<a>{text}</a>"),
            Some(href) if href == text => format!("<{href}>"),
            Some(href) => format!("[{text}]({href})"),
        };
        self.out.push_str(&written);
    }

    fn heading(&mut self, name: &str, closes: bool) {
        let level: usize = name[1..].parse().unwrap_or(1);
        if !closes {
            self.block();
            self.opened(name);
            return;
        }
        let Some(text) = self.taken(name) else { return };
        let text = text.trim();
        if !text.is_empty() {
            let written = match level {
                1 => format!("{text}\n{}", "=".repeat(text.chars().count())),
                2 => format!("{text}\n{}", "-".repeat(text.chars().count())),
                _ => format!("{} {text}", "#".repeat(level)),
            };
            self.out.push_str(&written);
        }
        self.block();
    }

    fn quote(&mut self, closes: bool) {
        if !closes {
            self.block();
            self.opened("blockquote");
            return;
        }
        let Some(text) = self.taken("blockquote") else {
            return;
        };
        let lines: Vec<String> = text.trim().lines().map(|l| format!("> {l}")).collect();
        self.out.push_str(&lines.join("\n"));
        self.block();
    }

    fn list(&mut self, first: Option<usize>) {
        self.block();
        self.lists.push(first);
    }

    fn item(&mut self) {
        let indent = "    ".repeat(self.lists.len().saturating_sub(1));
        let bullet = match self.lists.last_mut() {
            Some(Some(n)) => {
                *n += 1;
                format!("{}. ", *n - 1)
            }
            _ => "- ".to_owned(),
        };
        if self.breaks == 0 {
            self.breaks = 1;
        }
        self.write(&format!("{indent}{bullet}"));
    }

    fn finish(self) -> String {
        self.out.trim_end().replace('\n', "\r\n")
    }
}

/// Escapes text that would begin a list, a heading or a numbered item at the start of a line.
fn escape_start(text: &str) -> String {
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    if digits > 0 && text[digits..].starts_with(['.', ')']) {
        return format!("{}\\{}", &text[..digits], &text[digits..]);
    }
    let marks = [
        "- ", "+ ", "--", "~~~", "# ", "## ", "### ", "#### ", "##### ", "###### ",
    ];
    if marks.iter().any(|m| text.starts_with(m)) {
        return format!("\\{text}");
    }
    text.to_owned()
}

/// The value of an attribute of a tag.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let lower = tag.to_ascii_lowercase();
    let at = lower.find(&format!("{name}="))? + name.len() + 1;
    let value = &tag[at..];
    let value = match value.chars().next()? {
        quote @ ('"' | '\'') => value[1..].split(quote).next()?,
        _ => value.split([' ', '>']).next()?,
    };
    Some(unescape(value))
}

/// Named character references that are common in prose.
const NAMED: &[(&str, char)] = &[
    ("amp", '&'),
    ("apos", '\''),
    ("auml", 'ä'),
    ("Auml", 'Ä'),
    ("bull", '•'),
    ("cent", '¢'),
    ("copy", '©'),
    ("deg", '°'),
    ("eacute", 'é'),
    ("egrave", 'è'),
    ("euro", '€'),
    ("gt", '>'),
    ("hellip", '…'),
    ("laquo", '«'),
    ("ldquo", '“'),
    ("lsquo", '‘'),
    ("lt", '<'),
    ("mdash", '—'),
    ("middot", '·'),
    ("nbsp", '\u{a0}'),
    ("ndash", '–'),
    ("ouml", 'ö'),
    ("Ouml", 'Ö'),
    ("para", '¶'),
    ("pound", '£'),
    ("quot", '"'),
    ("raquo", '»'),
    ("rdquo", '”'),
    ("reg", '®'),
    ("rsquo", '’'),
    ("sect", '§'),
    ("szlig", 'ß'),
    ("times", '×'),
    ("trade", '™'),
    ("uuml", 'ü'),
    ("Uuml", 'Ü'),
    ("yen", '¥'),
];

/// Replaces entities by the characters that they stand for.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let found = rest[1..].split_once(';').and_then(|(name, after)| {
            let number = name
                .strip_prefix('#')
                .map(|n| match n.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16),
                    None => n.parse(),
                });
            let character = match number {
                Some(number) => char::from_u32(number.ok()?)?,
                None => NAMED.iter().find(|(n, _)| *n == name)?.1,
            };
            Some((character, after))
        });
        match found {
            Some((character, after)) => {
                out.push(character);
                rest = after;
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::to_markdown;

    /// HTML inputs with the output of a real server.
    fn check(pairs: &[(&str, &str)]) {
        for (html, markdown) in pairs {
            assert_eq!(to_markdown(html), *markdown, "{html}");
        }
    }

    #[test]
    fn emphasis_marks_adjoin_the_text() {
        check(&[
            (
                "<p>Hello <b>world</b> printer</p>",
                "Hello **world** printer",
            ),
            ("<b>x</b> y", "**x** y"),
            ("  lead  <b> sp </b> t", "lead  **sp**  t"),
            ("a<b></b>c", "ac"),
            ("x<i>y</i>z <b><i>w</i></b>", "x*y*z ***w***"),
            ("<p>  x </p>", " x"),
        ]);
    }

    #[test]
    fn blocks_are_separated_by_blank_lines() {
        check(&[
            ("<p>a</p><p>b</p>", "a\r\n\r\nb"),
            ("<div>d1</div><div>d2</div>", "d1\r\n\r\nd2"),
            ("<p>a<br></p><p>b</p>", "a\r\n\r\nb"),
            ("a<br>b<br/>c", "a  \r\nb  \r\nc"),
            ("<h1>T</h1><h2>U</h2>x", "T\r\n=\r\n\r\nU\r\n-\r\n\r\nx"),
            ("<h3>x</h3><h6>y</h6>", "### x\r\n\r\n###### y"),
            ("<blockquote>q</blockquote>r", "> q\r\n\r\nr"),
            (
                "<pre>c d\ne</pre><code>z</code>",
                "```\r\nc d\r\ne\r\n```\r\n\r\n`z`",
            ),
            ("<hr>q", "---\r\n\r\nq"),
            ("<p></p>", ""),
        ]);
    }

    #[test]
    fn lists_and_links_are_written_in_full() {
        check(&[
            (
                "<ol><li>a</li><li>b<ul><li>c</li></ul></li></ol>",
                "1. a\r\n2. b\r\n    - c",
            ),
            ("<ul><li>a<p>b</p></li></ul><p>z</p>", "- ab\r\n\r\nz"),
            (
                "<a href=\"http://x.y\">http://x.y</a> <a href='q'>t</a>",
                "<http://x.y> [t](q)",
            ),
            ("<a>n</a><a href=\"#\">m</a>", "<a>n</a>[m](#)"),
        ]);
    }

    #[test]
    fn markup_characters_are_escaped() {
        check(&[
            (
                "<p>- a</p><p>+ b</p><p># c</p><p>&gt; d</p><p>1) e</p><p>a [b] c \\ d</p>",
                "\\- a\r\n\r\n\\+ b\r\n\r\n\\# c\r\n\r\n> d\r\n\r\n1\\) e\r\n\r\na \\[b\\] c \\\\ d",
            ),
            (
                "a &lt;b&gt; &amp; &nbsp; &euro; *x* _y_ # z",
                "a <b> & € \\*x\\* \\_y\\_ # z",
            ),
            ("1. x\n- y", "1\\. x - y"),
            ("a < b & c", "a < b & c"),
        ]);
    }

    #[test]
    fn unknown_elements_keep_their_contents() {
        check(&[
            ("<script>x</script>s<style>y</style>", "xsy"),
            ("<table><tr><td>1</td><td>2</td></tr></table>", "12"),
            ("<img src=\"x.png\" alt=\"A\"> z", " z"),
            ("<p>a<!-- b --></p>", "a"),
        ]);
    }
}
