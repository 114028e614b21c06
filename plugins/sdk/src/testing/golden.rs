//! Runs `cases/*.json` natively. The same files run in the sandbox with `wharf plugin test`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use wharf_cases::{Case, Defaults, Function, Subject};

use super::{read, show};
use crate::errors::Error;
use crate::provider::{
    HealthProvider, MediaProvider, OnboardingProvider, ProfileProvider, Provider,
    ReconcileProvider, TemplateProvider,
};

/// Set to 1, what a plugin says is written into its cases: read the difference before you keep it.
const UPDATE: &str = "WHARF_UPDATE_CASES";

type Call = Box<dyn Fn(&[Value]) -> Result<Value, String>>;

/// The golden cases of a plugin.
///
/// ```no_run
/// # use wharf_plugin::prelude::*;
/// # struct Acme;
/// # impl Provider for Acme {
/// #     fn describe() -> Descriptor { Descriptor::new("a.b", "A", "1", "V") }
/// #     fn start(_: &Context, _: &Message) -> Result<Progress, Error> { Err(Error::unsupported("x")) }
/// # }
/// wharf_plugin::testing::Golden::of::<Acme>().run("cases");
/// ```
pub struct Golden {
    functions: BTreeMap<(&'static str, &'static str), Call>,
}

/// The argument at a place, read as its type.
fn argument<T: DeserializeOwned>(arguments: &[Value], index: usize) -> Result<T, String> {
    read(arguments.get(index).unwrap_or(&Value::Null))
        .map_err(|wrong| format!("argument {index}: {wrong}"))
}

fn result<T: Serialize>(result: Result<T, Error>) -> Value {
    match result {
        Ok(value) => show(&value),
        Err(error) => json!({ "error": show(&error) }),
    }
}

impl Golden {
    /// The required interfaces of a plugin.
    #[must_use]
    pub fn of<P: Provider>() -> Self {
        let mut golden = Self {
            functions: BTreeMap::new(),
        };
        golden.add("outbound", "start", |given| {
            Ok(result(P::start(&argument(given, 0)?, &argument(given, 1)?)))
        });
        golden.add("outbound", "resume", |given| {
            let state: Vec<u8> = argument(given, 2)?;
            Ok(result(P::resume(
                &argument(given, 0)?,
                &argument(given, 1)?,
                &state,
                argument(given, 3)?,
            )))
        });
        golden.add("inbound", "parse", |given| {
            Ok(result(P::parse(
                &argument(given, 0)?,
                &argument(given, 1)?,
                argument(given, 2)?,
            )))
        });
        golden
    }

    /// And `media`.
    #[must_use]
    pub fn media<P: MediaProvider>(mut self) -> Self {
        self.add("media", "start", |given| {
            Ok(result(P::media_start(
                &argument(given, 0)?,
                &argument(given, 1)?,
            )))
        });
        self.add("media", "resume", |given| {
            let state: Vec<u8> = argument(given, 2)?;
            Ok(result(P::media_resume(
                &argument(given, 0)?,
                &argument(given, 1)?,
                &state,
                argument(given, 3)?,
            )))
        });
        self
    }

    /// And `templates`.
    #[must_use]
    pub fn templates<P: TemplateProvider>(mut self) -> Self {
        self.add("templates", "start", |given| {
            Ok(result(P::templates_start(
                &argument(given, 0)?,
                &argument(given, 1)?,
            )))
        });
        self.add("templates", "resume", |given| {
            let state: Vec<u8> = argument(given, 2)?;
            Ok(result(P::templates_resume(
                &argument(given, 0)?,
                &argument(given, 1)?,
                &state,
                argument(given, 3)?,
            )))
        });
        self
    }

    /// And `profile`.
    #[must_use]
    pub fn profile<P: ProfileProvider>(mut self) -> Self {
        self.add("profile", "start", |given| {
            Ok(result(P::profile_start(
                &argument(given, 0)?,
                &argument(given, 1)?,
            )))
        });
        self.add("profile", "resume", |given| {
            let state: Vec<u8> = argument(given, 2)?;
            Ok(result(P::profile_resume(
                &argument(given, 0)?,
                &argument(given, 1)?,
                &state,
                argument(given, 3)?,
            )))
        });
        self
    }

    /// And `health`.
    #[must_use]
    pub fn health<P: HealthProvider>(mut self) -> Self {
        self.add("health", "start", |given| {
            Ok(result(P::health_start(&argument(given, 0)?)))
        });
        self.add("health", "resume", |given| {
            let state: Vec<u8> = argument(given, 1)?;
            Ok(result(P::health_resume(
                &argument(given, 0)?,
                &state,
                argument(given, 2)?,
            )))
        });
        self
    }

    /// And `reconcile`.
    #[must_use]
    pub fn reconcile<P: ReconcileProvider>(mut self) -> Self {
        self.add("reconcile", "start", |given| {
            Ok(result(P::reconcile_start(
                &argument(given, 0)?,
                &argument(given, 1)?,
                argument(given, 2)?,
            )))
        });
        self.add("reconcile", "resume", |given| {
            let state: Vec<u8> = argument(given, 3)?;
            let (context, message) = (argument(given, 0)?, argument(given, 1)?);
            Ok(result(P::reconcile_resume(
                &context,
                &message,
                argument(given, 2)?,
                &state,
                argument(given, 4)?,
            )))
        });
        self.add("reconcile", "catch-up", |given| {
            Ok(result(P::catch_up(
                &argument(given, 0)?,
                argument(given, 1)?,
            )))
        });
        self.add("reconcile", "catch-up-resume", |given| {
            let state: Vec<u8> = argument(given, 2)?;
            Ok(result(P::catch_up_resume(
                &argument(given, 0)?,
                argument(given, 1)?,
                &state,
                argument(given, 3)?,
            )))
        });
        self
    }

    /// And `onboarding`.
    #[must_use]
    pub fn onboarding<P: OnboardingProvider>(mut self) -> Self {
        self.add("onboarding", "start", |given| {
            let (flow, inputs): (String, Vec<(String, String)>) =
                (argument(given, 1)?, argument(given, 2)?);
            Ok(result(P::onboarding_start(
                &argument(given, 0)?,
                &flow,
                &inputs,
            )))
        });
        self.add("onboarding", "resume", |given| {
            let (flow, state): (String, Vec<u8>) = (argument(given, 1)?, argument(given, 2)?);
            Ok(result(P::onboarding_resume(
                &argument(given, 0)?,
                &flow,
                &state,
                argument(given, 3)?,
            )))
        });
        self.add("onboarding", "answer", |given| {
            let (flow, state): (String, Vec<u8>) = (argument(given, 1)?, argument(given, 2)?);
            let inputs: Vec<(String, Vec<String>)> = argument(given, 3)?;
            Ok(result(P::onboarding_answer(
                &argument(given, 0)?,
                &flow,
                &state,
                &inputs,
            )))
        });
        self
    }

    /// Runs every case of a folder; a relative one is looked for where the test runs, which for cargo is
    /// the package's folder.
    ///
    /// # Panics
    /// When a case is broken, unfinished or fails, with all differences: the test has failed.
    pub fn run(mut self, folder: impl AsRef<Path>) {
        let folder = folder.as_ref();
        let (ran, failed) = self.check(folder).unwrap_or_else(|error| panic!("{error}"));
        assert!(ran > 0, "there is no case in {}", folder.display());
        assert!(
            failed.is_empty(),
            "{} of {ran} cases failed:\n{}",
            failed.len(),
            failed.join("\n")
        );
    }

    /// How many cases there are, and what is wrong with those that fail.
    fn check(&mut self, folder: &Path) -> Result<(usize, Vec<String>), wharf_cases::CaseError> {
        let defaults = Defaults::load(folder)?;
        let files = wharf_cases::files(folder)?;
        let mut failed = Vec::new();
        #[expect(
            clippy::disallowed_methods,
            reason = "an author's wish for one run of the tests, no configuration of the gateway"
        )]
        let update = std::env::var_os(UPDATE).is_some_and(|wish| wish == "1");
        for file in &files {
            let case = Case::load(file, &defaults)?;
            let ran = wharf_cases::run(&case, self);
            let mut problems = case.problems(&ran);
            if update && !problems.is_empty() && ran.results.len() == case.then.len() + 1 {
                let written = std::fs::write(file, case.updated(&ran.results));
                problems = written
                    .err()
                    .map(|error| error.to_string())
                    .into_iter()
                    .collect();
            }
            if !problems.is_empty() {
                failed.push(format!("{}:\n  {}", case.name, problems.join("\n  ")));
            }
        }
        Ok((files.len(), failed))
    }

    fn add(
        &mut self,
        interface: &'static str,
        name: &'static str,
        call: impl Fn(&[Value]) -> Result<Value, String> + 'static,
    ) {
        self.functions.insert((interface, name), Box::new(call));
    }
}

impl Subject for Golden {
    fn call(&mut self, function: Function, arguments: Vec<Value>) -> Result<Value, String> {
        match self.functions.get(&(function.interface, function.name)) {
            Some(call) => call(&arguments),
            None => Err(format!(
                "add `.{}::<P>()` to the test that runs the cases",
                function.interface
            )),
        }
    }
}
