//! The lock on the disk: whole after a crash, one writer at a time, and no edit unnoticed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use wharf::plugins::folder::FolderError;
use wharf::plugins::install::put_in_service;
use wharf::plugins::lock::{self, FILE_NAME, Guard, LockError};
use wharf::plugins::{Digest, Folder, Permissions};

use super::{ACTOR, candidate};

#[test]
fn what_was_written_is_read_and_a_leftover_of_a_crash_is_not() {
    let dir = tempfile::tempdir().unwrap();
    assert!(
        lock::read(dir.path()).unwrap().plugins.is_empty(),
        "none yet"
    );
    let guard = Guard::take(dir.path()).unwrap();
    let mut written = guard.read().unwrap();
    put_in_service(
        &mut written,
        "test",
        candidate(1, "1.0.0", Permissions::default()),
        ACTOR,
    );
    guard.write(&written).unwrap();
    drop(guard);
    // A command died between writing the new lock and renaming it.
    let leftover = dir.path().join(".wharf-plugins.lock.4711");
    fs::write(&leftover, "{ \"version\": 1, \"plug").unwrap();
    assert_eq!(lock::read(dir.path()).unwrap(), written);
    drop(Guard::take(dir.path()).unwrap());
    assert!(!leftover.exists(), "the next command clears it away");
    assert_eq!(lock::read(dir.path()).unwrap(), written);
}

#[test]
fn an_edited_or_foreign_lock_is_refused_with_a_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let guard = Guard::take(dir.path()).unwrap();
    let mut written = guard.read().unwrap();
    put_in_service(
        &mut written,
        "test",
        candidate(1, "1.0.0", Permissions::default()),
        ACTOR,
    );
    guard.write(&written).unwrap();
    let path = dir.path().join(FILE_NAME);
    let text = fs::read_to_string(&path).unwrap();
    let edits = [
        (
            text.replacen(
                "\"response_headers\": []",
                "\"response_headers\": [\"x-secret\"]",
                1,
            ),
            "add the plugin again",
        ),
        (
            text.replacen("\"version\": 1,", "\"version\": 2,", 1),
            "newer program",
        ),
        (
            text.replacen("sha256:", "sha255:", 1),
            "cannot be understood",
        ),
        (
            text.replacen("\"id\"", "\"ids\"", 1),
            "cannot be understood",
        ),
        (text[..text.len() / 2].to_owned(), "cannot be understood"),
    ];
    for (edited, remedy) in edits {
        assert_ne!(edited, text);
        fs::write(&path, edited).unwrap();
        let error = lock::read(dir.path()).unwrap_err();
        assert!(error.to_string().contains(remedy), "{error}");
    }
}

#[test]
fn writers_take_turns_and_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for number in 0..16 {
            let dir = dir.path();
            scope.spawn(move || {
                let guard = Guard::take(dir).unwrap();
                let mut lock = guard.read().unwrap();
                let mut new = candidate(number, "1.0.0", Permissions::default());
                new.id = format!("dev.wharf.p{number}");
                put_in_service(&mut lock, &format!("p{number}"), new, ACTOR);
                guard.write(&lock).unwrap();
            });
        }
    });
    assert_eq!(lock::read(dir.path()).unwrap().plugins.len(), 16);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("none");
    let error = Guard::take(&missing).err().unwrap();
    assert!(
        matches!(&error, LockError::Guard { path, .. } if path.starts_with(&missing)),
        "{error}"
    );
}

#[test]
fn a_component_of_the_store_is_hashed_whenever_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::new(dir.path(), 100);
    let digest = Digest::of(b"component");
    let missing = folder.get(&digest).unwrap_err();
    assert!(missing.to_string().contains("is gone"), "{missing}");
    folder.put(&digest, b"component").unwrap();
    assert_eq!(folder.get(&digest).unwrap(), b"component");
    fs::write(folder.path_of(&digest), b"Component").unwrap();
    let changed = folder.get(&digest).unwrap_err();
    assert!(
        changed.to_string().contains("is not what the lock says"),
        "{changed}"
    );
    folder.put(&digest, b"component").unwrap();
    assert_eq!(
        folder.get(&digest).unwrap(),
        b"component",
        "adding it again mends it"
    );
    fs::write(folder.path_of(&digest), [0; 101]).unwrap();
    let large = folder.get(&digest).unwrap_err();
    assert!(large.to_string().contains("component_bytes_max"), "{large}");
}

#[test]
fn what_is_added_again_is_young_again() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::new(dir.path(), 100);
    let digest = Digest::of(b"component");
    folder.put(&digest, b"component").unwrap();
    let hour = Duration::from_secs(3600);
    let file = fs::File::options()
        .write(true)
        .open(folder.path_of(&digest))
        .unwrap();
    let now = file.metadata().unwrap().modified().unwrap();
    file.set_modified(now - 2 * hour).unwrap();
    let kept = BTreeSet::new();
    assert_eq!(folder.unused(&kept, hour, now), [digest]);
    folder.put(&digest, b"component").unwrap();
    assert_eq!(folder.unused(&kept, hour, now), []);
    assert!(
        !folder.remove_unused(&digest, hour, now),
        "also not by who looked before"
    );
    assert_eq!(folder.get(&digest).unwrap(), b"component");
}

#[test]
fn what_is_no_regular_file_is_refused_and_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::new(dir.path(), 100);
    let pipe = dir.path().join("pipe.wasm");
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .unwrap();
    assert!(made.success());
    for path in [pipe.as_path(), dir.path(), Path::new("/dev/zero")] {
        let refused = folder.read(path).unwrap_err();
        assert!(
            matches!(refused, FolderError::NoFile { .. }),
            "{}: {refused}",
            path.display()
        );
    }
}
