//! Standard output and standard error without panics.
//!
//! `println!` panics when standard output cannot be written: in a pipe whose reader has ended
//! (`espo-bench run … | head`) or on a full disk. A panic would end a command in the middle of its work.
//! [`out!`](crate::out) and [`outln!`](crate::outln) return an error instead, except for a closed pipe, whose reader
//! needs no more output. [`note!`](crate::note) writes to standard error and ignores failures, because there is
//! nowhere left to report them.
//!
//! Names and error reasons sent by a server may contain escape sequences that change a terminal's title, colours or
//! text. All output functions show control characters and invisible formatting characters as `\\u001b`, which is also
//! valid inside JSON strings. [`one_line`] also covers line breaks.
//!
//! ```
//! fn list() -> std::io::Result<()> {
//!     espo_stdio::outln!("{} checks", 12)?;
//!     espo_stdio::note!("note: 2 checks were skipped");
//!     Ok(())
//! }
//! # list().unwrap();
//! ```
//!
//! With the feature `signals`, `Signals` waits for Ctrl-C and termination signals, except for those that the process was
//! started to ignore.

#[cfg(feature = "signals")]
mod signals;

use std::borrow::Cow;
use std::fmt::{self, Arguments, Write as _};
use std::io::{self, Write};

#[cfg(feature = "signals")]
pub use signals::Signals;

/// Writes formatted text to standard output, like `print!`, and returns an [`std::io::Result`].
#[macro_export]
macro_rules! out {
    ($($arg:tt)*) => { $crate::write_stdout(::std::format_args!($($arg)*)) };
}

/// Writes a formatted line to standard output, like `println!`, and returns an [`std::io::Result`].
#[macro_export]
macro_rules! outln {
    () => { $crate::write_stdout(::std::format_args!("\n")) };
    ($($arg:tt)*) => {
        $crate::write_stdout(::std::format_args!("{}\n", ::std::format_args!($($arg)*)))
    };
}

/// Writes a formatted line to standard error, like `eprintln!`, and ignores failures.
#[macro_export]
macro_rules! note {
    ($($arg:tt)*) => {
        $crate::write_stderr(::std::format_args!("{}\n", ::std::format_args!($($arg)*)))
    };
}

/// Writes text to standard output and flushes it; called by [`out!`](crate::out) and [`outln!`](crate::outln).
///
/// # Errors
///
/// Returns the operating system's error with "cannot write to standard output" in front. A closed pipe is not an
/// error.
pub fn write_stdout(text: Arguments<'_>) -> io::Result<()> {
    write_to(&mut io::stdout().lock(), text)
}

/// Writes text to standard error and ignores failures; called by [`note!`](crate::note).
pub fn write_stderr(text: Arguments<'_>) {
    let _ = write_visibly(&mut io::stderr().lock(), text);
}

/// Returns untrusted text in a form that is safe inside a line of output: line breaks and tabs are shown as `\u000a`,
/// like other control characters, so that the text cannot look like a separate line.
///
/// ```
/// assert_eq!(espo_stdio::one_line("Größe"), "Größe");
/// assert_eq!(espo_stdio::one_line("a\n::error::b"), "a\\u000a::error::b");
/// ```
pub fn one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(|c| is_hidden(c) || c == '\n' || c == '\t') {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' | '\t' => push_escaped(&mut shown, c),
            c if is_hidden(c) => push_escaped(&mut shown, c),
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// Whether a terminal would interpret a character instead of showing it. Line feeds and tabs are layout.
fn is_hidden(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{061c}' | '\u{feff}')
}

/// All of these characters have four hexadecimal digits.
fn push_escaped(text: &mut String, c: char) {
    // Writing to a String cannot fail.
    let _ = write!(text, "\\u{:04x}", u32::from(c));
}

/// A formatter that escapes hidden characters.
struct Visible<'w, W> {
    output: &'w mut W,
    result: io::Result<()>,
}

impl<W: Write> fmt::Write for Visible<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        let mut write = |bytes: &str| {
            self.result = self.output.write_all(bytes.as_bytes());
            self.result.as_ref().map_err(|_| fmt::Error).copied()
        };
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_hidden(*c)) {
            let mut escaped = String::new();
            push_escaped(&mut escaped, c);
            write(&rest[..at])?;
            write(&escaped)?;
            rest = &rest[at + c.len_utf8()..];
        }
        write(rest)
    }
}

fn write_visibly(output: &mut impl Write, text: Arguments<'_>) -> io::Result<()> {
    let mut visible = Visible {
        output,
        result: Ok(()),
    };
    match visible.write_fmt(text) {
        Ok(()) => Ok(()),
        // The error of the output, or that of a `Display` implementation.
        Err(_) => Err(visible
            .result
            .err()
            .unwrap_or_else(|| io::Error::other("formatter error"))),
    }
}

fn write_to(output: &mut impl Write, text: Arguments<'_>) -> io::Result<()> {
    match write_visibly(output, text).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(io::Error::new(
            error.kind(),
            format!("cannot write to standard output: {error}"),
        )),
        _ => Ok(()),
    }
}

/// The examples of the README, compiled as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
mod tests {
    use super::*;

    struct Fails(io::ErrorKind);

    impl Write for Fails {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    fn written(text: &str) -> String {
        let mut output = Vec::new();
        write_to(&mut output, format_args!("{text}")).unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn control_characters_are_shown_instead_of_sent_to_the_terminal() {
        for (text, shown) in [
            ("Größe – 日本\n\tx", "Größe – 日本\n\tx"),
            (
                "\u{1b}[31mred\u{1b}]0;title\u{7}",
                "\\u001b[31mred\\u001b]0;title\\u0007",
            ),
            ("a\rb\u{8}c\0\u{7f}", "a\\u000db\\u0008c\\u0000\\u007f"),
            ("\u{9b}2J\u{85}", "\\u009b2J\\u0085"),
            ("\u{202e}txt.exe\u{2066}", "\\u202etxt.exe\\u2066"),
        ] {
            assert_eq!(written(text), shown);
        }
    }

    #[test]
    fn json_with_hidden_characters_keeps_its_meaning() {
        let json = "{\"a\": \"x\u{9b}y\u{202e}\"}";
        assert_eq!(written(json), "{\"a\": \"x\\u009by\\u202e\"}");
    }

    #[test]
    fn closed_pipes_are_not_errors() {
        let mut pipe = Fails(io::ErrorKind::BrokenPipe);
        assert!(write_to(&mut pipe, format_args!("text\n")).is_ok());
    }

    #[test]
    fn write_errors_name_standard_output() {
        let mut disk = Fails(io::ErrorKind::StorageFull);
        let error = write_to(&mut disk, format_args!("text\n")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(
            error
                .to_string()
                .starts_with("cannot write to standard output: ")
        );
    }
}
