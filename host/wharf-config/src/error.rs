//! Where a value came from, and everything that is wrong with a configuration.
//!
//! Must not know what a section means, and never holds the text of a secret.

use std::fmt;

/// The place a value was written: a file with its line, a variable or an option.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// A file's path, `environment variable NAME`, `option KEY` or `built-in defaults`.
    pub source: String,
    /// One-based, only for files.
    pub line: Option<usize>,
}

impl Origin {
    /// A place without lines.
    #[must_use]
    pub fn of(source: impl Into<String>) -> Self {
        Self {
            source: source.into(),
            line: None,
        }
    }

    pub(crate) fn at(source: impl Into<String>, line: usize) -> Self {
        Self {
            source: source.into(),
            line: Some(line),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)?;
        match self.line {
            Some(line) => write!(f, ":{line}"),
            None => Ok(()),
        }
    }
}

/// One thing that is wrong. `what` and `remedy` are read by people; neither quotes a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub origin: Origin,
    /// Dotted key, empty when the whole source is meant.
    pub key: String,
    pub what: String,
    pub remedy: String,
}

impl Problem {
    /// Also for checks made later, such as settings against a plugin's descriptor.
    #[must_use]
    pub fn new(
        origin: Origin,
        key: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            origin,
            key: key.into(),
            what: what.into(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}; {}", self.what, self.remedy)
    }
}

/// Every problem of a configuration at once, never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors {
    problems: Vec<Problem>,
}

impl ConfigErrors {
    /// `None` when there is nothing to report. Problems of one source stay together, by line;
    /// sources keep the order in which they were first met.
    #[must_use]
    pub fn from_problems(mut problems: Vec<Problem>) -> Option<Self> {
        let mut sources: Vec<String> = Vec::new();
        for problem in &problems {
            if !sources.contains(&problem.origin.source) {
                sources.push(problem.origin.source.clone());
            }
        }
        problems.sort_by_key(|problem| {
            let source = sources.iter().position(|s| *s == problem.origin.source);
            (source, problem.origin.line)
        });
        problems.dedup();
        (!problems.is_empty()).then_some(Self { problems })
    }

    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            1 => f.write_str("the configuration has 1 error:")?,
            n => write!(f, "the configuration has {n} errors:")?,
        }
        for (index, problem) in self.problems.iter().enumerate() {
            write!(f, "\n{:>3}. {problem}", index + 1)?;
        }
        Ok(())
    }
}
