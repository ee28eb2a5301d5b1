//! Distinguishes failures of the load generator's own machine from those of the target.

use std::error::Error as StdError;
use std::io;

/// Returns why a request failed in the load generator: no descriptors, no free ports, no memory, or a host name that
/// this machine cannot resolve. Such a request never reached the target.
pub(super) fn own_fault(error: &(dyn StdError + 'static)) -> Option<&'static str> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(reason) = error.downcast_ref::<io::Error>().and_then(of_io) {
            return Some(reason);
        }
        cause = error.source();
    }
    of_text(&error.to_string())
}

fn of_io(error: &io::Error) -> Option<&'static str> {
    if let Some(reason) = error.raw_os_error().and_then(of_code) {
        return Some(reason);
    }
    match error.kind() {
        io::ErrorKind::AddrNotAvailable => Some(PORTS),
        io::ErrorKind::OutOfMemory => Some(MEMORY),
        // Wrapping errors hide the code.
        _ => error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<io::Error>())
            .and_then(of_io),
    }
}

const DESCRIPTORS: &str = "too many open files";
const PORTS: &str = "no free local port";
const MEMORY: &str = "out of memory";
const NAMES: &str = "the host name cannot be resolved";

#[cfg(unix)]
fn of_code(code: i32) -> Option<&'static str> {
    use rustix::io::Errno;
    match Errno::from_raw_os_error(code) {
        Errno::MFILE | Errno::NFILE => Some(DESCRIPTORS),
        Errno::ADDRNOTAVAIL => Some(PORTS),
        Errno::NOMEM | Errno::NOBUFS => Some(MEMORY),
        _ => None,
    }
}

/// Windows: WSAEMFILE, WSAEADDRNOTAVAIL and WSAENOBUFS.
#[cfg(not(unix))]
fn of_code(code: i32) -> Option<&'static str> {
    match code {
        10024 => Some(DESCRIPTORS),
        10049 => Some(PORTS),
        10055 => Some(MEMORY),
        _ => None,
    }
}

/// Searches the text of an error, because the transport includes some causes only as text.
fn of_text(text: &str) -> Option<&'static str> {
    let code = text
        .rsplit_once("(os error ")
        .and_then(|(_, rest)| rest.split_once(')'))
        .and_then(|(code, _)| code.parse().ok());
    if let Some(reason) = code.and_then(of_code) {
        return Some(reason);
    }
    let resolving = ["dns error", "failed to lookup address", "resolve"];
    let text = text.to_lowercase();
    let is_name = resolving.iter().any(|word| text.contains(word));
    is_name.then_some(NAMES)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Wrapped(io::Error);

    impl std::fmt::Display for Wrapped {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("request failed")
        }
    }

    impl StdError for Wrapped {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn local_failures_are_found_in_causes_and_text() {
        use rustix::io::Errno;
        for (errno, expected) in [
            (Errno::MFILE, Some(DESCRIPTORS)),
            (Errno::NFILE, Some(DESCRIPTORS)),
            (Errno::ADDRNOTAVAIL, Some(PORTS)),
            (Errno::NOMEM, Some(MEMORY)),
            (Errno::NOBUFS, Some(MEMORY)),
            (Errno::CONNREFUSED, None),
            (Errno::CONNRESET, None),
            (Errno::HOSTUNREACH, None),
        ] {
            let error = || io::Error::from_raw_os_error(errno.raw_os_error());
            assert_eq!(own_fault(&Wrapped(error())), expected, "{errno:?}");
            let double = io::Error::other(error());
            assert_eq!(own_fault(&Wrapped(double)), expected, "{errno:?}");
            let text = io::Error::other(format!("GET Account: no connection: {}", error()));
            assert_eq!(own_fault(&text), expected, "{errno:?}");
        }
        let lookup = io::Error::other("dns error: failed to lookup address information");
        assert_eq!(own_fault(&lookup), Some(NAMES));
    }
}
