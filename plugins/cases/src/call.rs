//! The functions of the interface and what each is called with.

use serde_json::{Value, json};

/// One function of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Function {
    /// `outbound`, `inbound`, ...
    pub interface: &'static str,
    /// As in `provider.wit`.
    pub name: &'static str,
}

impl Function {
    const fn new(interface: &'static str, name: &'static str) -> Self {
        Self { interface, name }
    }
}

impl std::fmt::Display for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.interface, self.name)
    }
}

/// What a case calls: the member of the file that names it, with the arguments beside the context.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// `outbound`: a message.
    Outbound(Value),
    /// `inbound`: a webhook. All its pages are read.
    Inbound(Value),
    /// `media`, `templates` or `profile`: a request.
    Request(&'static str, Value),
    /// `health`: nothing.
    Health,
    /// `reconcile`: `message` and `sent-at`.
    Reconcile(Value, Value),
    /// `catch-up`: `since`.
    CatchUp(Value),
    /// `onboarding`: `flow` and `inputs`.
    Onboarding(Value, Value),
}

impl Call {
    /// The function that begins it and its arguments, the context first.
    #[must_use]
    pub fn start(&self, context: &Value) -> (Function, Vec<Value>) {
        let context = context.clone();
        match self {
            Self::Outbound(message) => (
                Function::new("outbound", "start"),
                vec![context, message.clone()],
            ),
            Self::Inbound(webhook) => (
                Function::new("inbound", "parse"),
                vec![context, webhook.clone(), json!(0)],
            ),
            Self::Request(interface, request) => (
                Function::new(interface, "start"),
                vec![context, request.clone()],
            ),
            Self::Health => (Function::new("health", "start"), vec![context]),
            Self::Reconcile(message, sent_at) => (
                Function::new("reconcile", "start"),
                vec![context, message.clone(), sent_at.clone()],
            ),
            Self::CatchUp(since) => (
                Function::new("reconcile", "catch-up"),
                vec![context, since.clone()],
            ),
            Self::Onboarding(flow, inputs) => (
                Function::new("onboarding", "start"),
                vec![context, flow.clone(), inputs.clone()],
            ),
        }
    }

    /// The function that goes on after an outcome; none reads a webhook.
    #[must_use]
    pub fn resume(
        &self,
        context: &Value,
        state: Value,
        outcome: &Value,
    ) -> Option<(Function, Vec<Value>)> {
        let (function, mut arguments) = match self {
            Self::Inbound(_) => return None,
            Self::CatchUp(since) => (
                Function::new("reconcile", "catch-up-resume"),
                vec![context.clone(), since.clone()],
            ),
            Self::Onboarding(flow, _) => (
                Function::new("onboarding", "resume"),
                vec![context.clone(), flow.clone()],
            ),
            _ => {
                let (start, arguments) = self.start(context);
                (Function::new(start.interface, "resume"), arguments)
            }
        };
        arguments.push(state);
        arguments.push(outcome.clone());
        Some((function, arguments))
    }

    /// The function that goes on after a person's answers; only a flow asks.
    #[must_use]
    pub fn answer(
        &self,
        context: &Value,
        state: Value,
        inputs: &Value,
    ) -> Option<(Function, Vec<Value>)> {
        match self {
            Self::Onboarding(flow, _) => Some((
                Function::new("onboarding", "answer"),
                vec![context.clone(), flow.clone(), state, inputs.clone()],
            )),
            _ => None,
        }
    }
}
