//! Settings that decide where requests go or whose webhooks are believed: a plugin may set them only to
//! what a person said, for the approval of the plugin promised no more.

use wharf_core::provider::{Descriptor, Finished, Question, Verification};

use super::super::FlowError;

/// What a person gave in this flow, of the guarded settings.
#[derive(Default)]
pub(super) struct Guard {
    answered: Vec<(String, String)>,
}

impl Guard {
    pub(super) fn of(answered: Vec<(String, String)>) -> Self {
        Self { answered }
    }

    pub(super) fn answered(&self) -> &[(String, String)] {
        &self.answered
    }

    /// A person gave these.
    pub(super) fn learn<'v>(
        &mut self,
        descriptor: &Descriptor,
        given: impl Iterator<Item = (&'v str, &'v str)>,
    ) {
        for (name, value) in given {
            let pair = (name.to_owned(), value.to_owned());
            if is_guarded(descriptor, name) && !self.answered.contains(&pair) {
                self.answered.push(pair);
            }
        }
    }

    /// What a person chose among words of the plugin's own is not theirs: a label may say anything.
    pub(super) fn learn_answers(
        &mut self,
        descriptor: &Descriptor,
        questions: &[Question],
        inputs: &[(String, Vec<String>)],
    ) {
        for (name, values) in inputs {
            let asked = questions.iter().find(|question| question.input == *name);
            let typed = asked.is_some_and(|question| question.choices.is_empty());
            let declared = descriptor.input(name).map_or(&[][..], |i| &i.choices);
            let own = values
                .iter()
                .filter(|value| typed || declared.contains(value));
            self.learn(descriptor, own.map(|value| (name.as_str(), value.as_str())));
        }
    }

    /// `known` holds already, by the files or by an earlier step.
    pub(super) fn check(
        &self,
        descriptor: &Descriptor,
        known: &[(String, String)],
        set: &[(String, String)],
    ) -> Result<(), FlowError> {
        let wrong = set.iter().find(|pair| {
            is_guarded(descriptor, &pair.0)
                && !self.answered.contains(pair)
                && !known.contains(pair)
        });
        match wrong {
            None => Ok(()),
            Some((name, _)) => Err(FlowError::Guarded { name: name.clone() }),
        }
    }

    pub(super) fn check_finished(
        &self,
        descriptor: &Descriptor,
        known: &[(String, String)],
        finished: &Finished,
    ) -> Result<(), FlowError> {
        self.check(descriptor, known, &finished.settings)?;
        for channel in &finished.channels {
            self.check(descriptor, known, &channel.settings)?;
        }
        Ok(())
    }
}

fn is_guarded(descriptor: &Descriptor, name: &str) -> bool {
    let mut hosts = descriptor.endpoints.iter().map(|e| &e.host_setting);
    let mut checks = descriptor.webhooks.iter().flat_map(|w| &w.checks);
    hosts.any(|setting| setting.as_deref() == Some(name))
        || checks.any(|check| match &check.verify {
            Verification::PublicKey(key) => key.key_setting == name,
            _ => false,
        })
}
