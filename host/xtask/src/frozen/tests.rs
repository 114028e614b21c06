use std::process::Command;

use tempfile::TempDir;

use super::*;

const RELEASED: &str = "wit/provider-1.0.0/provider.wit";

/// A repository whose interface was released as 1.0.0 on main.
struct Repository(TempDir);

impl Repository {
    fn new() -> Self {
        let repository = Self(tempfile::tempdir().unwrap());
        fs::create_dir(repository.root().join("wit")).unwrap();
        repository.say("1.0.0", "interface log {}");
        repository.git(&["init", "-q", "-b", "main"]);
        repository.commit();
        repository
    }

    fn released() -> Self {
        let repository = Self::new();
        freeze(repository.root(), "1.0.0").unwrap();
        repository.commit();
        repository
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn say(&self, version: &str, more: &str) {
        let text = format!("package wharf:provider@{version};\n{more}\n");
        self.write("wit/provider.wit", &text);
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.root().join(path), text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap()
    }

    fn remove(&self, path: &str) {
        fs::remove_file(self.root().join(path)).unwrap();
    }

    /// What a change and a record made to fit it look like.
    fn record_anew(&self, path: &str) {
        let line = format!("{}  {path}\n", digest_of(self.read(path).as_bytes()));
        self.write(RECORD, &line);
    }

    fn commit(&self) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--no-verify", "-m", "A step"]);
    }

    fn git(&self, arguments: &[&str]) {
        let done = Command::new("git")
            .args(["-c", "user.name=T", "-c", "user.email=t@example.org"])
            .args(["-c", "commit.gpgsign=false"])
            .args(arguments)
            .current_dir(self.root())
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    }

    /// The files that are complained of, and all that is said of them.
    fn complaints(&self) -> (Vec<String>, String) {
        let found = breaches(self.root()).unwrap();
        let said = found.iter().map(|breach| breach.message.as_str());
        let said = said.collect::<Vec<_>>().join("\n");
        let mut files: Vec<_> = found.into_iter().map(|breach| breach.file).collect();
        files.dedup();
        (files, said)
    }

    #[track_caller]
    fn complains(&self, file: &str, words: &str) {
        let (files, said) = self.complaints();
        assert_eq!(files, [file], "{said}");
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn a_release_is_a_copy_and_a_line_for_each_file() {
    let repository = Repository::new();
    assert_eq!(breaches(repository.root()).unwrap(), []);
    repository.write("wit/more.wit", "interface more {}\n");
    let written = freeze(repository.root(), "1.0.0").unwrap();
    let more = "wit/provider-1.0.0/more.wit";
    assert_eq!(written, [more, RELEASED, RECORD]);
    assert_eq!(
        repository.read(RELEASED),
        repository.read("wit/provider.wit")
    );
    let digest = digest_of(repository.read(RELEASED).as_bytes());
    assert!(
        repository
            .read(RECORD)
            .contains(&format!("{digest}  {RELEASED}\n"))
    );
    assert_eq!(breaches(repository.root()).unwrap(), []);
    repository.commit();
    assert_eq!(breaches(repository.root()).unwrap(), []);
}

#[test]
fn the_draft_beside_a_release_may_change() {
    let repository = Repository::released();
    repository.say("1.1.0", "interface log {}\ninterface more {}");
    assert_eq!(breaches(repository.root()).unwrap(), []);
    freeze(repository.root(), "1.1.0").unwrap();
    repository.commit();
    assert_eq!(breaches(repository.root()).unwrap(), []);
    assert_eq!(repository.read(RECORD).lines().count(), 2);
}

#[test]
fn a_changed_byte_is_named_and_so_is_what_to_do() {
    let repository = Repository::released();
    let text = repository.read(RELEASED).replace("log", "Log");
    repository.write(RELEASED, &text);
    repository.complains(
        RELEASED,
        "undo that, and put what is new into wit/provider.wit",
    );
}

#[test]
fn a_change_that_the_record_was_made_to_fit_is_named() {
    let repository = Repository::released();
    repository.write(RELEASED, "package wharf:provider@1.0.0;\n");
    repository.record_anew(RELEASED);
    repository.complains(RELEASED, "is released and has changed");
    // Nor does it become right by being committed.
    repository.commit();
    repository.complains(RELEASED, "is released and has changed");
}

#[test]
fn a_removed_file_is_named() {
    let repository = Repository::released();
    repository.remove(RELEASED);
    let (files, said) = repository.complaints();
    assert_eq!(files, [RECORD, RELEASED]);
    assert!(said.contains("git checkout main --"), "{said}");
    // With its record, and in a commit of its own.
    repository.remove(RECORD);
    repository.commit();
    repository.complains(RELEASED, "was released on main and is gone");
}

#[test]
fn an_added_file_is_named() {
    let repository = Repository::released();
    fs::create_dir(repository.root().join("wit/provider-1.0.0/deps")).unwrap();
    let added = "wit/provider-1.0.0/deps/more.wit";
    repository.write(added, "");
    repository.complains(added, "nothing is added");
}

#[test]
fn a_folder_without_a_record_is_named() {
    let repository = Repository::released();
    repository.remove(RECORD);
    repository.complains(RELEASED, "is not in wit/frozen.sha256");
    let by_hand = Repository::new();
    fs::create_dir(by_hand.root().join("wit/provider-1.0.0")).unwrap();
    by_hand.write(RELEASED, "");
    by_hand.complains(RELEASED, "cargo xtask freeze");
}

#[test]
fn a_record_of_nothing_is_named() {
    let repository = Repository::released();
    let right = repository.read(RECORD);
    let digest = digest_of(b"");
    let never = format!("{digest}  wit/provider-0.9.0/provider.wit\n");
    for (line, words) in [
        (never, "which is not there"),
        (right.clone(), "a second time"),
        ("\n".to_owned(), "two spaces"),
        ("# released\n".to_owned(), "two spaces"),
        (format!("{digest}  wit/provider.wit\n"), "two spaces"),
        (format!("{digest}  wit/provider-1.0.0/../x\n"), "two spaces"),
        (format!("{}  {RELEASED}\n", &digest[1..]), "two spaces"),
    ] {
        repository.write(RECORD, &(right.clone() + &line));
        repository.complains(RECORD, words);
    }
}

#[test]
fn a_folder_with_another_name_is_named() {
    for name in [
        "provider-1.0",
        "provider-01.0.0",
        "provider-1.0.0-rc",
        "provider-",
    ] {
        let repository = Repository::new();
        let folder = format!("wit/{name}");
        fs::create_dir(repository.root().join(&folder)).unwrap();
        repository.complains(&folder, "provider-X.Y.Z");
    }
}

#[test]
fn nothing_is_released_twice_or_out_of_order() {
    let repository = Repository::released();
    let refused = |version: &str| freeze(repository.root(), version).unwrap_err().to_string();
    let before = repository.read(RECORD);
    assert!(refused("1.0.0").contains("a release is made once"));
    for version in ["1.0", "v1.0.0", "1.0.0.0", "01.0.0", "../1.0.0", ""] {
        assert!(refused(version).contains("is no version"), "{version}");
    }
    assert!(refused("1.1.0").contains("does not say `package wharf:provider@1.1.0;`"));
    repository.say("0.9.0", "");
    assert!(refused("0.9.0").contains("is not newer than 1.0.0"));
    assert_eq!(repository.read(RECORD), before);
    // What is broken is mended first.
    repository.say("1.1.0", "");
    repository.write(RELEASED, "");
    assert!(refused("1.1.0").contains(RELEASED));
    assert!(!repository.root().join("wit/provider-1.1.0").exists());
}

#[test]
fn a_release_that_came_by_a_merge_is_remembered() {
    let repository = Repository::new();
    repository.git(&["checkout", "-q", "-b", "release"]);
    freeze(repository.root(), "1.0.0").unwrap();
    // Not on main yet: while it is being made it may be made again.
    repository.commit();
    repository.write(RELEASED, "package wharf:provider@1.0.0;\n");
    repository.record_anew(RELEASED);
    assert_eq!(breaches(repository.root()).unwrap(), []);
    repository.git(&["checkout", "-q", "--", "."]);
    repository.git(&["checkout", "-q", "main"]);
    repository.write("README.md", "Meanwhile\n");
    repository.commit();
    repository.git(&["merge", "-q", "--no-ff", "-m", "Release", "release"]);
    assert_eq!(breaches(repository.root()).unwrap(), []);
    repository.write(RELEASED, "package wharf:provider@1.0.0;\n");
    repository.record_anew(RELEASED);
    repository.complains(RELEASED, "is released and has changed");
}

#[test]
fn a_copy_without_history_is_held_to_its_record() {
    let repository = Repository::released();
    fs::remove_dir_all(repository.root().join(".git")).unwrap();
    assert_eq!(breaches(repository.root()).unwrap(), []);
    repository.write(RELEASED, "");
    repository.complains(RELEASED, "has changed");
}

#[test]
fn a_repository_that_git_cannot_read_is_no_copy_without_history() {
    let repository = Repository::released();
    repository.write(RELEASED, "package wharf:provider@1.0.0;\n");
    repository.record_anew(RELEASED);
    repository.write(".git/config", "[core\n");
    let failed = breaches(repository.root()).unwrap_err();
    assert!(
        failed.to_string().contains("git rev-parse failed"),
        "{failed}"
    );
}

#[test]
fn a_clone_without_its_past_says_so() {
    let repository = Repository::released();
    let clone = Repository(tempfile::tempdir().unwrap());
    let from = format!("file://{}", repository.root().display());
    clone.git(&["clone", "-q", "--depth", "1", &from, "."]);
    clone.complains("wit", "this clone is shallow");
    clone.git(&["fetch", "-q", "--unshallow"]);
    assert_eq!(breaches(clone.root()).unwrap(), []);
}
