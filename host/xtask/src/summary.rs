//! The list at the end of a test run: what passed, what failed, and what was not even tried.

use std::fmt;
use std::process::ExitCode;
use std::time::{Duration, Instant};

pub(crate) struct Summary {
    /// On a build server a skip hides a missing install step, so it counts as a failure there.
    skips_fail: bool,
    steps: Vec<(String, Outcome)>,
}

enum Outcome {
    Passed(Duration),
    Failed(String),
    Skipped(String),
}

impl Summary {
    pub(crate) fn new(skips_fail: bool) -> Self {
        Self {
            skips_fail,
            steps: Vec::new(),
        }
    }

    /// Runs a step, notes how it ended, and hands on what it made.
    pub(crate) fn step<T>(
        &mut self,
        name: &str,
        work: impl FnOnce() -> anyhow::Result<T>,
    ) -> Option<T> {
        println!("\n== {name}");
        let started = Instant::now();
        let (outcome, made) = match work() {
            Ok(made) => (Outcome::Passed(started.elapsed()), Some(made)),
            Err(error) => {
                eprintln!("{name} failed: {error:#}");
                (Outcome::Failed(format!("{error:#}")), None)
            }
        };
        self.steps.push((name.to_owned(), outcome));
        made
    }

    pub(crate) fn skip(&mut self, name: &str, reason: impl Into<String>) {
        let reason = reason.into();
        eprintln!("\n== {name}\nSKIPPED: {reason}");
        self.steps.push((name.to_owned(), Outcome::Skipped(reason)));
    }

    pub(crate) fn all_well(&self) -> bool {
        !self.steps.iter().any(|(_, outcome)| match outcome {
            Outcome::Passed(_) => false,
            Outcome::Failed(_) => true,
            Outcome::Skipped(_) => self.skips_fail,
        })
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        if self.all_well() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nSummary")?;
        for (name, outcome) in &self.steps {
            match outcome {
                Outcome::Passed(took) => {
                    writeln!(f, "  ok       {name} ({:.1} s)", took.as_secs_f64())?
                }
                Outcome::Failed(reason) => {
                    writeln!(f, "  FAILED   {name}: {}", first_line(reason))?
                }
                Outcome::Skipped(reason) => writeln!(f, "  SKIPPED  {name}: {reason}")?,
            }
        }
        let skipped = self
            .steps
            .iter()
            .any(|step| matches!(step.1, Outcome::Skipped(_)));
        if skipped && self.skips_fail {
            writeln!(f, "With CI=true a skipped step is a failure.")?;
        }
        Ok(())
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_skip(skips_fail: bool) -> Summary {
        let mut summary = Summary::new(skips_fail);
        summary.step("a", || Ok(()));
        summary.skip("b", "no binaries");
        summary
    }

    #[test]
    fn a_skip_fails_on_a_build_server_only_and_is_always_shown() {
        assert!(with_skip(false).all_well());
        assert!(!with_skip(true).all_well());
        assert!(
            with_skip(false)
                .to_string()
                .contains("SKIPPED  b: no binaries")
        );
        assert!(
            with_skip(true)
                .to_string()
                .contains("a skipped step is a failure")
        );
    }

    #[test]
    fn a_failure_fails_and_hands_on_nothing() {
        let mut summary = Summary::new(false);
        assert_eq!(summary.step("a", || Ok(7)), Some(7));
        assert_eq!(
            summary.step("b", || anyhow::bail!("broken\nlong story")),
            None::<()>
        );
        assert!(!summary.all_well());
        assert!(summary.to_string().contains("FAILED   b: broken\n"));
    }
}
