//! HTML as plain text in the manner of Markdown: what `bodyPlain` holds.

/// Turns HTML into Markdown. Unknown elements leave their contents.
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
        if matches!(name.as_str(), "script" | "style" | "head" | "title") && !tag.starts_with('/') {
            let close = format!("</{name}");
            let lower = rest.to_ascii_lowercase();
            let after = lower.find(&close).map_or("", |at| &rest[at..]);
            rest = after.find('>').map_or("", |at| &after[at + 1..]);
            continue;
        }
        out.tag(&name, tag, tag.starts_with('/'));
    }
    out.text(rest);
    out.finish()
}

/// What is written so far, and what is open.
#[derive(Debug, Default)]
struct Writer {
    out: String,
    /// Line breaks that stand before the next text.
    breaks: usize,
    /// A blank stands before the next text.
    blank: bool,
    /// Open lists: the number of the next item, or none where items are not numbered.
    lists: Vec<Option<usize>>,
    /// Targets of open links, with the place of their text.
    links: Vec<(String, usize)>,
}

impl Writer {
    fn text(&mut self, raw: &str) {
        let text = unescape(raw);
        for (at, word) in text.split([' ', '\n', '\t', '\r']).enumerate() {
            self.blank |= at > 0;
            if !word.is_empty() {
                self.write(word);
            }
        }
    }

    fn write(&mut self, text: &str) {
        if self.breaks > 0 && !self.out.is_empty() {
            self.out.push_str(&"\n".repeat(self.breaks));
        } else if self.blank && !self.out.is_empty() && !self.out.ends_with([' ', '\n']) {
            self.out.push(' ');
        }
        (self.breaks, self.blank) = (0, false);
        self.out.push_str(text);
    }

    fn block(&mut self) {
        self.breaks = self.breaks.max(2);
        self.blank = false;
    }

    fn tag(&mut self, name: &str, tag: &str, closes: bool) {
        match (name, closes) {
            ("b" | "strong", _) => self.mark("**", closes),
            ("i" | "em", _) => self.mark("*", closes),
            ("code", _) => self.mark("`", closes),
            ("br", _) => {
                self.out.push_str("  ");
                self.breaks = self.breaks.max(1);
            }
            ("hr", _) => {
                self.block();
                self.write("- - - - - -");
                self.block();
            }
            ("a", false) => {
                if self.blank || self.breaks > 0 {
                    self.write("");
                }
                let href = attribute(tag, "href").unwrap_or_default();
                self.links.push((href, self.out.len()));
            }
            ("a", true) => {
                if let Some((href, at)) = self.links.pop().filter(|(h, _)| !h.is_empty()) {
                    let text = self.out.split_off(at.min(self.out.len()));
                    if text == href {
                        self.out.push_str(&format!("<{href}>"));
                    } else {
                        self.out.push_str(&format!("[{text}]({href})"));
                    }
                }
            }
            ("ul", false) => {
                self.list_start();
                self.lists.push(None);
            }
            ("ol", false) => {
                self.list_start();
                self.lists.push(Some(1));
            }
            ("ul" | "ol", true) => {
                self.lists.pop();
                if self.lists.is_empty() {
                    self.block();
                }
            }
            ("li", false) => self.item(),
            ("li", true) => self.breaks = self.breaks.max(1),
            ("h1" | "h2" | "h3" | "h4" | "h5" | "h6", false) => {
                self.block();
                let level = name[1..].parse().unwrap_or(1);
                self.write(&format!("{} ", "#".repeat(level)));
            }
            ("blockquote", false) => {
                self.block();
                self.write("> ");
            }
            (
                "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "blockquote" | "pre" | "table"
                | "div",
                _,
            ) => self.block(),
            ("tr", true) => self.breaks = self.breaks.max(1),
            ("td" | "th", true) => self.blank = true,
            _ => {}
        }
    }

    fn list_start(&mut self) {
        if self.lists.is_empty() {
            self.block();
        } else {
            self.breaks = self.breaks.max(1);
        }
    }

    fn item(&mut self) {
        let indent = "  ".repeat(self.lists.len().saturating_sub(1));
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

    /// Emphasis: the mark stands close to the text.
    fn mark(&mut self, mark: &str, closes: bool) {
        if closes {
            // What was opened and holds nothing leaves nothing.
            if self.out.ends_with(mark) {
                self.out.truncate(self.out.len() - mark.len());
            } else {
                let (breaks, blank) = (std::mem::take(&mut self.breaks), self.blank);
                self.blank = false;
                self.write(mark);
                (self.breaks, self.blank) = (breaks, blank);
            }
        } else {
            self.write(mark);
        }
    }

    fn finish(self) -> String {
        self.out.trim().to_owned()
    }
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

/// The characters that entities stand for.
fn unescape(text: &str) -> String {
    const NAMED: &[(&str, &str)] = &[
        ("&nbsp;", "\u{a0}"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&apos;", "'"),
        ("&amp;", "&"),
    ];
    if !text.contains('&') {
        return text.to_owned();
    }
    NAMED
        .iter()
        .fold(text.to_owned(), |s, (name, char)| s.replace(name, char))
}

#[cfg(test)]
mod tests {
    use super::to_markdown;

    #[test]
    fn emphasis_and_paragraphs_become_marks_and_blank_lines() {
        assert_eq!(
            to_markdown("<p>Hello <b>world</b> printer</p>"),
            "Hello **world** printer"
        );
        assert_eq!(to_markdown("<b>x</b> y"), "**x** y");
        assert_eq!(
            to_markdown("<p>How to <i>fix</i> it</p><p>So.</p>"),
            "How to *fix* it\n\nSo."
        );
    }

    #[test]
    fn lists_and_links_are_written_in_full() {
        assert_eq!(
            to_markdown("<ul><li>a</li><li><a href=\"https://x.test\">b</a></li></ul>"),
            "- a\n- [b](https://x.test)"
        );
    }

    #[test]
    fn broken_markup_stays_text() {
        assert_eq!(to_markdown("a < b & c"), "a < b & c");
        assert_eq!(to_markdown("<p>a<!-- b --></p><script>x()</script>"), "a");
    }
}
