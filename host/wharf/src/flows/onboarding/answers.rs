//! What comes from a person or a browser, held against what was asked; secrets are set aside.

use secrecy::SecretString;
use wharf_core::provider::{Descriptor, InputKind, Question};

use super::super::FlowError;
use super::is_secret;
use super::saved::Awaited;
use crate::exchange::{Actor, Learned};

/// The longest answer: an OAuth code or a pasted key has a few hundred bytes, a PEM key 4 KiB.
const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// What the plugin gets in the place of a secret, as from a capture.
const CAPTURED: &str = "[captured]";
/// Values of one question: numbers of an account.
const VALUES_MAX: usize = 500;

/// The inputs that a flow begins with. Secrets go to the actor, the rest is given back.
pub(super) fn of_start(
    actor: &Actor,
    descriptor: &Descriptor,
    inputs: Vec<(String, String)>,
) -> Result<Vec<(String, String)>, FlowError> {
    let mut given: Vec<(String, String)> = Vec::with_capacity(inputs.len());
    for (name, value) in inputs {
        check_value(descriptor, &name, &value)?;
        if given.iter().any(|(known, _)| *known == name) {
            return Err(refuse(&name, "is given twice"));
        }
        if is_secret(descriptor, &name) {
            set_aside(actor, &name, value);
        } else {
            given.push((name, value));
        }
    }
    Ok(given)
}

/// The answers to what was awaited.
pub(super) fn of(
    actor: &Actor,
    descriptor: &Descriptor,
    awaited: &Awaited,
    inputs: Vec<(String, Vec<String>)>,
) -> Result<Vec<(String, Vec<String>)>, FlowError> {
    match awaited {
        Awaited::Answers(questions) => of_questions(actor, descriptor, questions, inputs),
        // Browsers bring what the provider likes; what was not asked for stays here.
        Awaited::Return(returns) => {
            let mut kept = inputs;
            kept.retain(|(name, _)| returns.contains(name));
            of_return(actor, descriptor, kept)
        }
        Awaited::Nothing => match inputs.first() {
            None => Ok(inputs),
            Some((name, _)) => Err(refuse(name, "nothing was asked")),
        },
    }
}

fn of_return(
    actor: &Actor,
    descriptor: &Descriptor,
    kept: Vec<(String, Vec<String>)>,
) -> Result<Vec<(String, Vec<String>)>, FlowError> {
    let mut given: Vec<(String, Vec<String>)> = Vec::with_capacity(kept.len());
    for (name, values) in kept {
        check_texts(&name, &values)?;
        if !is_secret(descriptor, &name) {
            given.push((name, values));
            continue;
        }
        // Two codes of one return are somebody's trick; which of them counts is not for us to guess.
        if values.len() > 1 || given.iter().any(|(known, _)| *known == name) {
            return Err(refuse(&name, "takes one value"));
        }
        let shown = captured(actor, &name, values);
        given.push((name, shown));
    }
    Ok(given)
}

fn of_questions(
    actor: &Actor,
    descriptor: &Descriptor,
    questions: &[Question],
    inputs: Vec<(String, Vec<String>)>,
) -> Result<Vec<(String, Vec<String>)>, FlowError> {
    for (name, _) in &inputs {
        if !questions.iter().any(|question| question.input == *name) {
            return Err(refuse(name, "was not asked"));
        }
    }
    let mut given = Vec::with_capacity(questions.len());
    for question in questions {
        let name = &question.input;
        let mut values = Vec::new();
        for (_, more) in inputs.iter().filter(|(other, _)| other == name) {
            values.extend(more.iter().cloned());
        }
        check_texts(name, &values)?;
        if values.len() > 1 && !question.many {
            return Err(refuse(name, "takes one value"));
        }
        for value in &values {
            let offered = question.choices.iter().any(|(choice, _)| choice == value);
            if !question.choices.is_empty() && !offered {
                return Err(refuse(name, "is none of the choices"));
            }
            if question.choices.is_empty() {
                check_value(descriptor, name, value)?;
            }
        }
        if is_secret(descriptor, name) {
            values = captured(actor, name, values);
        }
        given.push((name.clone(), values));
    }
    Ok(given)
}

fn check_value(descriptor: &Descriptor, name: &str, value: &str) -> Result<(), FlowError> {
    let Some(input) = descriptor.input(name) else {
        return Err(refuse(name, "is no input of this flow"));
    };
    check_texts(name, std::slice::from_ref(&value.to_owned()))?;
    let fits = match input.kind {
        InputKind::Integer => value.parse::<i64>().is_ok(),
        InputKind::Boolean => matches!(value, "true" | "false"),
        InputKind::Url => url::Url::parse(value).is_ok_and(|url| url.has_host()),
        InputKind::Choice => input.choices.iter().any(|choice| choice == value),
        InputKind::Text | InputKind::Secret => true,
    };
    if fits {
        return Ok(());
    }
    Err(refuse(name, "is not of the kind that the plugin declares"))
}

fn check_texts(name: &str, values: &[String]) -> Result<(), FlowError> {
    if values.len() > VALUES_MAX {
        return Err(refuse(name, "has too many values"));
    }
    for value in values {
        if value.len() > ANSWER_BYTES_MAX {
            return Err(refuse(name, "is too long"));
        }
        // A pasted PEM key has lines.
        let strange = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        if value.contains(strange) {
            return Err(refuse(name, "holds control characters"));
        }
    }
    Ok(())
}

/// Secrets go to the actor; the plugin learns that there is one. An empty text is none.
fn captured(actor: &Actor, name: &str, values: Vec<String>) -> Vec<String> {
    let mut shown = Vec::with_capacity(values.len());
    for value in values {
        if value.is_empty() {
            shown.push(value);
        } else {
            set_aside(actor, name, value);
            shown.push(CAPTURED.to_owned());
        }
    }
    shown
}

fn set_aside(actor: &Actor, name: &str, value: String) {
    let learned = Learned {
        value: SecretString::from(value),
        expires_at: None,
    };
    actor.hold(name, learned);
}

fn refuse(name: &str, reason: &str) -> FlowError {
    FlowError::Answer {
        name: name.chars().take(100).collect(),
        reason: reason.to_owned(),
    }
}
