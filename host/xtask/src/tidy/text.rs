//! Rules that look at one file's text.

use super::Complaint;

/// The hard line for review; most files stay far below. Tests are not counted.
const RUST_LINES_MAX: usize = 600;
const ARCHITECTURE_LINES_MAX: usize = 200;

/// Folders of one person's machine. Put together here, so that this file does not hold them.
const FOREIGN_PATHS: [&str; 2] = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];

pub(super) fn check(path: &str, content: &str) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut complain = |line: Option<usize>, message: String| {
        complaints.push(Complaint {
            file: path.to_owned(),
            line,
            message,
        });
    };
    for (number, line) in (1..).zip(content.lines()) {
        if line.ends_with([' ', '\t', '\r']) {
            complain(Some(number), "trailing whitespace: remove it".to_owned());
        }
        for foreign in FOREIGN_PATHS
            .iter()
            .filter(|foreign| names_folder(line, foreign))
        {
            complain(
                Some(number),
                format!("'{foreign}' is a folder of one machine: say it without"),
            );
        }
        if is_rust(path) && is_muted_test(line) {
            let message = "a test that is ignored or expects a panic proves nothing: assert what is true today";
            complain(Some(number), message.to_owned());
        }
    }
    if !content.is_empty() && !content.ends_with('\n') {
        complain(None, "the last line has no end: add a newline".to_owned());
    }
    let counted = lines_without_tests(content);
    if is_host_or_plugin_source(path) && counted > RUST_LINES_MAX {
        complain(
            None,
            format!(
                "{counted} lines without tests, at most {RUST_LINES_MAX}: split it by what it owns"
            ),
        );
    }
    if needs_module_doc(path) && !content.starts_with("//!") {
        complain(
            Some(1),
            "start with //!: what this module owns, and what it must not know".to_owned(),
        );
    }
    if path == "ARCHITECTURE.md" && content.lines().count() > ARCHITECTURE_LINES_MAX {
        complain(
            None,
            format!(
                "more than {ARCHITECTURE_LINES_MAX} lines: a map is of use only while it is read"
            ),
        );
    }
    complaints
}

fn is_rust(path: &str) -> bool {
    path.ends_with(".rs")
}

fn is_host_or_plugin_source(path: &str) -> bool {
    is_rust(path) && !is_test(path) && (path.starts_with("host/") || path.starts_with("plugins/"))
}

fn is_test(path: &str) -> bool {
    path.ends_with("tests.rs") || path.contains("/tests/")
}

/// Every module of the host, and the first file of every crate elsewhere.
fn needs_module_doc(path: &str) -> bool {
    let is_first = path.ends_with("/src/lib.rs") || path.ends_with("/src/main.rs");
    let is_host = path.starts_with("host/") && path.contains("/src/");
    is_rust(path) && (is_first || (is_host && !is_test(path)))
}

/// A line that begins with the attribute; the same words in a string or a comment are harmless.
fn is_muted_test(line: &str) -> bool {
    let line = line.trim_start();
    ["#[ignore", "#[should_panic"]
        .iter()
        .any(|attribute| line.starts_with(attribute))
}

/// The folder itself, not the middle of a longer path or of an address.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before
            .is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '}' | '/' | ')'))
    })
}

/// Lines before an inline test module, which by custom ends the file.
fn lines_without_tests(content: &str) -> usize {
    let lines: Vec<&str> = content.lines().collect();
    let tests = lines.windows(2).position(|pair| {
        pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{')
    });
    tests.unwrap_or(lines.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(path: &str, content: &str) -> Vec<(Option<usize>, String)> {
        check(path, content)
            .into_iter()
            .map(|found| (found.line, found.message))
            .collect()
    }

    /// Exactly one complaint, at this line, with these words.
    #[track_caller]
    fn complains(path: &str, content: &str, line: Option<usize>, words: &str) {
        let found = messages(path, content);
        assert!(
            found.len() == 1 && found[0].0 == line && found[0].1.contains(words),
            "{found:?}"
        );
    }

    #[test]
    fn each_rule_names_file_and_line() {
        complains("README.md", "a\nb \n", Some(2), "trailing whitespace");
        complains("README.md", "a\nb", None, "newline");
        complains(
            "README.md",
            &format!("see {}x\n", FOREIGN_PATHS[0]),
            Some(1),
            "one machine",
        );
        complains(
            "tests/it/a.rs",
            "#[test]\n    #[ignore = \"slow\"]\n",
            Some(2),
            "proves nothing",
        );
        complains(
            "host/a/src/lib.rs",
            "//! A.\n#[should_panic]\n",
            Some(2),
            "proves nothing",
        );
        complains("host/a/src/b.rs", "struct B;\n", Some(1), "start with //!");
        complains("ARCHITECTURE.md", &"a\n".repeat(201), None, "200 lines");
        complains(
            "host/a/src/b.rs",
            &("//!\n".to_owned() + &"//\n".repeat(600)),
            None,
            "601 lines",
        );
    }

    #[test]
    fn what_only_looks_like_a_breach_passes() {
        let tests = "#[cfg(test)]\nmod tests {\n".to_owned() + &"//\n".repeat(900) + "}\n";
        for (path, content) in [
            ("host/a/src/b.rs", format!("//! B.\n{tests}")),
            ("host/a/src/b/tests.rs", "//! B.\n".repeat(900)),
            (
                "tests/it/a.rs",
                "const A: &str = \"#[ignore]\";\n".to_owned(),
            ),
            (
                "README.md",
                format!(
                    "https://example.org{}x and $HOME{}y\n",
                    FOREIGN_PATHS[0], "/.cache"
                ),
            ),
            ("config/empty", String::new()),
        ] {
            assert_eq!(messages(path, &content), [], "{path}");
        }
    }
}
