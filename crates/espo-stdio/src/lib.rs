//! Standard output and standard error without panics.
//!
//! `println!` panics when standard output cannot be written: in a pipe whose reader has ended
//! (`espo-bench run … | head`) or on a full disk. A panic would end a command in the middle of its work.
//! [`out!`](crate::out) and [`outln!`](crate::outln) return an error instead, and none for a closed pipe: its reader
//! has seen enough. [`note!`](crate::note) writes to standard error and ignores failures, because there is nowhere
//! left to report them.
//!
//! ```
//! fn list() -> std::io::Result<()> {
//!     espo_stdio::outln!("{} checks", 12)?;
//!     espo_stdio::note!("note: 2 checks were skipped");
//!     Ok(())
//! }
//! # list().unwrap();
//! ```

use std::fmt::Arguments;
use std::io::{self, Write};

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
    let _ = io::stderr().lock().write_fmt(text);
}

fn write_to(output: &mut impl Write, text: Arguments<'_>) -> io::Result<()> {
    match output.write_fmt(text).and_then(|()| output.flush()) {
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
