use super::*;

fn head() -> Head {
    Head {
        ledger: 1,
        run: "0a1b2c3d".into(),
        url: "http://127.0.0.1:1".into(),
        started: "2026-01-01T00:00:00Z".into(),
    }
}

#[test]
fn remaining_and_unconfirmed_records_are_left_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ledger");
    let ledger = Ledger::create(&path, &head()).unwrap();
    let kept = ledger
        .intent("Account", "name", "espo-bench 0a1b2c3d 0-0 A")
        .unwrap();
    let removed = ledger
        .intent("Account", "name", "espo-bench 0a1b2c3d 0-1 B")
        .unwrap();
    let refused = ledger
        .intent("Account", "name", "espo-bench 0a1b2c3d 0-2 C")
        .unwrap();
    ledger
        .intent("Contact", "lastName", "espo-bench 0a1b2c3d 0-3")
        .unwrap();
    ledger.settle(kept, Some("id1")).unwrap();
    ledger.settle(removed, Some("id2")).unwrap();
    ledger.settle(refused, None).unwrap();
    ledger.gone("Account", "id2").unwrap();
    let expected = [
        Leftover {
            entity: "Account".into(),
            id: Some("id1".into()),
            marker: None,
        },
        Leftover {
            entity: "Contact".into(),
            id: None,
            marker: Some(("lastName".into(), "espo-bench 0a1b2c3d 0-3".into())),
        },
    ];
    assert_eq!(ledger.leftovers().unwrap(), expected);
    assert_eq!(ledger.counts(), (2, 1));
    let (read_head, left) = read(&path).unwrap();
    assert_eq!((read_head, left), (head(), expected.to_vec()));
    let error = Appender::open(&path).unwrap_err().to_string();
    assert!(error.contains("still active"), "{error}");
    drop(ledger);
    let appender = Appender::open(&path).unwrap();
    assert!(Appender::open(&path).is_err(), "a second cleanup");
    appender.gone("Account", "id1").unwrap();
    assert_eq!(read(&path).unwrap().1, expected[1..]);
}

#[test]
fn incomplete_last_lines_are_skipped_and_damaged_ones_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ledger");
    let ledger = Ledger::create(&path, &head()).unwrap();
    let n = ledger.intent("Account", "name", "x").unwrap();
    ledger.settle(n, Some("id1")).unwrap();
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str("{\"t\":\"intent\",\"n\":1,\"e\":\"Acc");
    std::fs::write(&path, &text).unwrap();
    assert_eq!(read(&path).unwrap().1.len(), 1);
    std::fs::write(&path, text + "\n{}\n").unwrap();
    assert!(
        read(&path)
            .unwrap_err()
            .to_string()
            .contains(":4: damaged line")
    );
}

#[test]
fn ledgers_cut_at_any_byte_can_be_cleaned_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ledger");
    let ledger = Ledger::create(&path, &head()).unwrap();
    for name in ["Łódź", "名", "b"] {
        let n = ledger.intent("Account", "name", name).unwrap();
        ledger.settle(n, Some(name)).unwrap();
    }
    drop(ledger);
    let bytes = std::fs::read(&path).unwrap();
    let head_length = bytes.iter().position(|b| *b == b'\n').unwrap() + 1;
    for length in 0..=bytes.len() {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let left = match read(&path) {
            Ok((_, left)) => left,
            Err(error) => {
                assert!(length + 1 < head_length, "{length}: {error}");
                continue;
            }
        };
        // Every complete intent is left over, with or without the ID that follows.
        let lines = bytes[..length].split(|b| *b == b'\n');
        let intents = lines.filter(|line| {
            let line = serde_json::from_slice::<serde_json::Value>(line);
            line.is_ok_and(|line| line["t"] == "intent")
        });
        assert_eq!(left.len(), intents.count(), "{length}");
        let appender = Appender::open(&path).unwrap();
        for leftover in left.iter().filter_map(|l| l.id.as_deref()) {
            appender.gone("Account", leftover).unwrap();
        }
        let (_, still) = read(&path).unwrap();
        assert!(still.iter().all(|l| l.id.is_none()), "{length}: {still:?}");
    }
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_a_ledger() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ledger");
    let ledger = Ledger::create(&path, &head()).unwrap();
    let mode = || path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(ledger.save().unwrap(), path);
    assert_eq!(mode(), 0o600, "the copy");
}

/// Makes every further write fail, as on a full disk.
#[cfg(target_os = "linux")]
fn fill_disk(ledger: &Ledger) -> File {
    let full = OpenOptions::new().read(true).append(true).open("/dev/full");
    std::mem::replace(&mut ledger.state.lock().file, full.unwrap())
}

#[cfg(target_os = "linux")]
#[test]
fn lines_that_a_full_disk_rejects_are_kept_and_written_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ledger");
    let ledger = Ledger::create(&path, &head()).unwrap();
    let first = ledger.intent("Account", "name", "x 0").unwrap();
    let file = fill_disk(&ledger);
    assert!(ledger.settle(first, Some("id1")).is_err());
    assert!(
        ledger.intent("Account", "name", "x 1").is_err(),
        "no record may be created without an intent"
    );
    assert_eq!(ledger.counts(), (1, 0));
    ledger.state.lock().file = file;
    ledger.gone("Contact", "other").unwrap();
    let left = ledger.leftovers().unwrap();
    assert_eq!(left, read(&path).unwrap().1);
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].id.as_deref(), Some("id1"));
}

#[test]
fn removed_ledgers_are_detected_and_saved_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ledger");
    let ledger = Ledger::create(&path, &head()).unwrap();
    let n = ledger.intent("Account", "name", "x").unwrap();
    ledger.settle(n, Some("id1")).unwrap();
    assert!(ledger.is_in_place());
    assert_eq!(ledger.save().unwrap(), path);
    std::fs::remove_file(&path).unwrap();
    assert!(!ledger.is_in_place());
    assert_eq!(ledger.leftovers().unwrap().len(), 1);
    assert_eq!(ledger.save().unwrap(), path);
    assert_eq!(read(&path).unwrap().1.len(), 1);
}

#[test]
fn existing_ledgers_are_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ledger");
    drop(Ledger::create(&path, &head()).unwrap());
    let error = Ledger::create(&path, &head()).unwrap_err().to_string();
    assert!(error.contains("espo-bench clean"), "{error}");
    std::fs::write(&path, "hello\n").unwrap();
    assert!(
        read(&path)
            .unwrap_err()
            .to_string()
            .contains("not an espo-bench ledger")
    );
}
