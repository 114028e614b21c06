//! What a test run came to, for people and for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::subject::Used;

/// One case or one check.
#[derive(Clone, Debug)]
pub struct Row {
    /// `cases` or `conformance`.
    pub suite: &'static str,
    pub name: String,
    /// Empty when it passed.
    pub problems: Vec<String>,
    /// Why nothing was checked.
    pub skipped: Option<String>,
    pub used: Used,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub rows: Vec<Row>,
}

impl Report {
    pub fn failed(&self) -> usize {
        self.rows
            .iter()
            .filter(|row| !row.problems.is_empty())
            .count()
    }

    pub fn to_json(&self) -> Value {
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "suite": row.suite,
                    "name": row.name,
                    "passed": row.problems.is_empty(),
                    "skipped": row.skipped,
                    "problems": row.problems,
                    "calls": row.used.calls,
                    "cpu_us": row.used.cpu_us,
                    "memory_bytes": row.used.memory_bytes,
                    "output_bytes": row.used.output_bytes,
                    "log_lines": row.used.log_lines,
                })
            })
            .collect();
        json!({ "failed": self.failed(), "rows": rows })
    }

    /// A table, and below it what is wrong with whatever failed.
    pub fn to_text(&self) -> String {
        let width = self
            .rows
            .iter()
            .map(|row| row.name.chars().count())
            .max()
            .unwrap_or(0)
            .max(4);
        let mut text = format!(
            "{:<6} {:<11} {:<width$} {:>6} {:>9} {:>10} {:>10} {:>5}\n",
            "", "suite", "name", "calls", "CPU µs", "memory", "output", "log"
        );
        for row in &self.rows {
            let verdict = match (&row.skipped, row.problems.is_empty()) {
                (Some(_), _) => "skip",
                (None, true) => "ok",
                (None, false) => "FAIL",
            };
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{verdict:<6} {:<11} {:<width$} {:>6} {:>9} {:>10} {:>10} {:>5}",
                row.suite,
                row.name,
                row.used.calls,
                row.used.cpu_us,
                bytes(row.used.memory_bytes),
                bytes(row.used.output_bytes),
                row.used.log_lines
            );
        }
        for row in self.rows.iter().filter(|row| !row.problems.is_empty()) {
            let _ = writeln!(text, "\n{} `{}` failed:", row.suite, row.name);
            for problem in &row.problems {
                let _ = writeln!(text, "  {problem}");
            }
        }
        for row in &self.rows {
            if let Some(reason) = &row.skipped {
                let _ = writeln!(text, "\nskipped {} `{}`: {reason}", row.suite, row.name);
            }
        }
        let skipped = self.rows.iter().filter(|row| row.skipped.is_some()).count();
        let passed = self.rows.len() - self.failed() - skipped;
        let _ = writeln!(
            text,
            "\n{passed} passed, {} failed, {skipped} skipped",
            self.failed()
        );
        text
    }
}

fn bytes(count: usize) -> String {
    match count {
        0..10_240 => format!("{count} B"),
        10_240..10_485_760 => format!("{} KiB", count / 1024),
        _ => format!("{} MiB", count / 1024 / 1024),
    }
}
