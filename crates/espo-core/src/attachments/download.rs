use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method, header};
use percent_encoding::percent_decode_str;

use crate::error::Error;
use crate::request::Request;
use crate::transport::Opened;
use crate::typed::RecordRef;
use crate::typed::roles::UploadedFile;

impl<F: UploadedFile> RecordRef<F> {
    /// Downloads the file (`GET Attachment/file/{id}`) as a stream: one chunk is in memory at a time, and the client's
    /// limit on the size of responses does not apply. Dropping the stream closes the connection.
    ///
    /// # Errors
    /// Fails with [`Error::is_forbidden`] without read access to the file's record. A failure during the download is
    /// an item of the stream; the download is not retried.
    pub async fn download(&self) -> Result<Download, Error> {
        let path = self.records().path(&["file", self.id().as_str()]);
        let request = Request::new(Method::GET, &path).header(header::ACCEPT, "*/*");
        let opened = self.client().engine.open(&request).await?;
        Ok(Download {
            headers: opened.headers().clone(),
            state: State::Idle(Box::new(opened)),
        })
    }
}

/// A download in progress, as a stream of chunks.
pub struct Download {
    headers: HeaderMap,
    state: State,
}

enum State {
    Idle(Box<Opened>),
    Reading(BoxFuture<'static, Read>),
    Ended,
}

/// One chunk, and the state for reading the next one.
type Read = (Box<Opened>, Result<Option<Bytes>, Error>);

impl Download {
    /// Returns the file's size in bytes, if the server sends it.
    pub fn size(&self) -> Option<u64> {
        let value = self.headers.get(header::CONTENT_LENGTH)?;
        value.to_str().ok()?.parse().ok()
    }

    /// Returns the file's media type without parameters: servers add `;charset=UTF-8` to the media type of text files.
    pub fn media_type(&self) -> Option<&str> {
        let value = self.headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        value.split(';').next().map(str::trim)
    }

    /// Returns the file's name from `Content-Disposition`, in any script: RFC 5987's
    /// `filename*` first, then `filename` as percent-encoded or raw UTF-8.
    ///
    /// The name is safe to join to a directory: path separators and what precedes them, control characters and
    /// characters that change the direction of text are removed. `None` if nothing remains, or only dots.
    pub fn file_name(&self) -> Option<String> {
        let value = self.headers.get(header::CONTENT_DISPOSITION)?;
        file_name(&String::from_utf8_lossy(value.as_bytes())).and_then(|name| plain(&name))
    }

    /// Reads the next chunk; returns `None` at the end.
    ///
    /// # Errors
    /// Fails if the connection breaks, or nothing arrives within the timeout.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        std::future::poll_fn(|context| self.poll_chunk(context))
            .await
            .transpose()
    }

    /// Writes the rest of the file to `writer` and returns the number of bytes written.
    ///
    /// # Errors
    /// Fails if the connection breaks or the writer fails.
    pub async fn write_to<W>(mut self, writer: &mut W) -> Result<u64, Error>
    where
        W: tokio::io::AsyncWrite + Unpin + ?Sized,
    {
        use tokio::io::AsyncWriteExt as _;
        let failed = |error| Error::build(format!("cannot write the download: {error}"));
        let mut written = 0;
        while let Some(chunk) = self.next_chunk().await? {
            writer.write_all(&chunk).await.map_err(failed)?;
            written += chunk.len() as u64;
        }
        writer.flush().await.map_err(failed)?;
        Ok(written)
    }

    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        loop {
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Ended => return Poll::Ready(None),
                State::Idle(mut opened) => {
                    self.state = State::Reading(Box::pin(async move {
                        let chunk = opened.next_chunk().await;
                        (opened, chunk)
                    }));
                }
                State::Reading(mut future) => match future.as_mut().poll(context) {
                    Poll::Pending => {
                        self.state = State::Reading(future);
                        return Poll::Pending;
                    }
                    Poll::Ready((opened, Ok(Some(chunk)))) => {
                        self.state = State::Idle(opened);
                        return Poll::Ready(Some(Ok(chunk)));
                    }
                    Poll::Ready((_, Ok(None))) => return Poll::Ready(None),
                    Poll::Ready((_, Err(error))) => return Poll::Ready(Some(Err(error))),
                },
            }
        }
    }
}

impl Stream for Download {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_chunk(context)
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("size", &self.size())
            .field("media_type", &self.media_type())
            .finish_non_exhaustive()
    }
}

fn file_name(disposition: &str) -> Option<String> {
    let parameter = |name: &str| {
        disposition
            .split(';')
            .skip(1)
            .filter_map(|part| part.split_once('='))
            .find(|(key, _)| key.trim().eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    };
    let decode = |text: &str| {
        percent_decode_str(text)
            .decode_utf8()
            .ok()
            .map(String::from)
    };
    if let Some(extended) = parameter("filename*") {
        let text = extended.splitn(3, '\'').nth(2).unwrap_or(extended);
        return decode(text);
    }
    let quoted = disposition
        .split_once("filename=\"")
        .and_then(|(_, rest)| rest.rsplit_once('"'))
        .map(|(name, _)| name.replace("\\\"", "\"").replace("\\\\", "\\"));
    match quoted {
        Some(name) => Some(decode(&name).unwrap_or(name)),
        None => parameter("filename").map(|name| decode(name).unwrap_or_else(|| name.to_owned())),
    }
}

/// The last component of a name, which a server chooses and programs use as a file name.
fn plain(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next()?;
    let is_hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let visible: String = last.chars().filter(|c| !is_hidden(*c)).collect();
    // A colon separates a drive or an alternate data stream on Windows.
    let kept = visible.rsplit(':').next()?.trim();
    (!kept.chars().all(|c| c == '.')).then(|| kept.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{file_name, plain};

    #[test]
    fn file_names_cannot_leave_a_directory() {
        for (sent, kept) in [
            ("report.pdf", Some("report.pdf")),
            ("../../etc/passwd", Some("passwd")),
            ("..\\..\\evil.exe", Some("evil.exe")),
            ("/etc/cron.d/x", Some("x")),
            ("C:evil.exe", Some("evil.exe")),
            ("a.txt:stream", Some("stream")),
            ("a\0b\u{1b}[2J.txt", Some("ab[2J.txt")),
            ("photo\u{202e}gpj.exe", Some("photogpj.exe")),
            (".hidden", Some(".hidden")),
            ("Звіт 日.pdf", Some("Звіт 日.pdf")),
            ("..", None),
            (".", None),
            ("a/", None),
            ("\u{7}", None),
            ("", None),
        ] {
            assert_eq!(plain(sent).as_deref(), kept, "{sent:?}");
        }
        let escaped = file_name("attachment; filename*=UTF-8''..%2F..%2Fx").expect("a name");
        assert_eq!(plain(&escaped).as_deref(), Some("x"));
    }

    #[test]
    fn file_names_are_decoded_from_all_forms() {
        for (header, name) in [
            ("attachment; filename=\"a b.txt\"", "a b.txt"),
            ("attachment; filename=\"a;b.txt\"", "a;b.txt"),
            ("attachment; filename=\"a\\\"b.txt\"", "a\"b.txt"),
            ("attachment; filename=plain.txt", "plain.txt"),
            ("attachment; filename=\"Звіт.pdf\"", "Звіт.pdf"),
            ("attachment; filename*=UTF-8''%D0%97.pdf", "З.pdf"),
            ("inline; filename=\"%E6%97%A5.txt\"", "日.txt"),
        ] {
            assert_eq!(file_name(header).as_deref(), Some(name), "{header}");
        }
        assert_eq!(file_name("attachment"), None);
    }
}
