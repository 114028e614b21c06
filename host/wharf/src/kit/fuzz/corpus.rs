//! What the fuzzer begins from: every call that the golden cases make, and where atoms stand in the bodies of
//! their webhooks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::ensure;
use serde_json::Value;
use wharf_cases::{Function, Subject};

use super::complete::Places;
use super::input::{FUNCTIONS, Seed, Told};
use crate::kit::cases;
use crate::kit::subject::Component;

/// What a plugin gets of an answer whose exchange is not known: what `Exchange::post_json` of the SDK asks for.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Of a body that is not a 2xx where one was to be stored (`sink.store`).
const UNSTORED_BYTES_MAX: usize = 64 * 1024;

pub(super) struct Corpus {
    /// By function, those that have seeds only.
    pub(super) seeds: BTreeMap<&'static str, Vec<Seed>>,
    pub(super) cases: usize,
    pub(super) places: Places,
    /// Functions of the plugin that no case calls.
    pub(super) unreached: Vec<&'static str>,
}

/// Runs the cases and keeps their calls.
pub(super) fn load(component: &mut Component, folder: &Path) -> anyhow::Result<Corpus> {
    let cases::Loaded {
        cases, unreadable, ..
    } = cases::load(folder)?;
    if let Some((file, error)) = unreadable.into_iter().next() {
        return Err(error.context(format!("{} is no golden case", file.display())));
    }
    ensure!(
        !cases.is_empty(),
        "{} holds no golden cases, and the fuzzer begins from them: write some, or name their folder with --cases",
        folder.display()
    );
    let count = cases.len();
    let mut recorder = Recorder::new(component);
    for (file, case) in cases {
        case.name.clone_into(&mut recorder.case);
        wharf_cases::run(&case, &mut recorder);
        if let Some(problem) = recorder.problem.take() {
            anyhow::bail!("{}: {problem}", file.display());
        }
    }
    let Recorder { seeds, places, .. } = recorder;
    let mut by_function = BTreeMap::<_, Vec<Seed>>::new();
    for seed in seeds {
        by_function.entry(seed.function).or_default().push(seed);
    }
    ensure!(
        !by_function.is_empty(),
        "no case in {} reads a webhook or an answer",
        folder.display()
    );
    let offers = |function: &&str| {
        let interface = function.split('.').next().unwrap_or_default();
        matches!(interface, "inbound" | "outbound")
            || component
                .plugin()
                .interfaces()
                .iter()
                .any(|has| has.as_str() == interface)
    };
    let unreached = FUNCTIONS
        .into_iter()
        .filter(|function| offers(function) && !by_function.contains_key(function))
        .collect();
    Ok(Corpus {
        seeds: by_function,
        cases: count,
        places: Places::of(&places),
        unreached,
    })
}

/// Passes calls on and keeps them.
struct Recorder<'a> {
    component: &'a mut Component,
    case: String,
    seeds: Vec<Seed>,
    /// Pointers of items.
    places: BTreeSet<String>,
    /// What the last result says of the answer that comes next.
    sink: Option<Value>,
    problem: Option<String>,
}

impl<'a> Recorder<'a> {
    fn new(component: &'a mut Component) -> Self {
        Self {
            component,
            case: String::new(),
            seeds: Vec::new(),
            places: BTreeSet::new(),
            sink: None,
            problem: None,
        }
    }

    fn keep(&mut self, function: Function, arguments: &[Value]) {
        match Seed::read(&self.case, function, arguments) {
            Ok(Some(mut seed)) => {
                (seed.body_bytes_max, seed.stores) = self.bounds(&seed);
                self.seeds.push(seed);
            }
            Ok(None) => {}
            // The sandbox refuses what does not fit too, with a better reason.
            Err(problem) => self.problem = Some(format!("{function}: {problem}")),
        }
    }

    /// How large a body may be, and whether it goes into the media store.
    fn bounds(&self, seed: &Seed) -> (usize, bool) {
        let bytes = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        if let Told::Webhook { webhook, .. } = &seed.told {
            let webhooks = &self.component.plugin().descriptor().webhooks;
            let declared = webhooks.iter().find(|it| it.name == webhook.name);
            let max = declared.map_or(ANSWER_BYTES_MAX, |it| bytes(it.max_body.into()));
            return (max, false);
        }
        match &self.sink {
            Some(Value::String(_)) => (UNSTORED_BYTES_MAX, true),
            Some(buffer) => {
                let max = buffer["buffer"].as_u64().map_or(ANSWER_BYTES_MAX, bytes);
                (max, false)
            }
            None => (ANSWER_BYTES_MAX, false),
        }
    }
}

impl Subject for Recorder<'_> {
    fn call(&mut self, function: Function, arguments: Vec<Value>) -> Result<Value, String> {
        self.keep(function, &arguments);
        let result = self.component.call(function, arguments);
        if let Ok(answer) = &result {
            let exchanges = ["/exchange", "/page/1", "/page/next", "/next/exchange"];
            let exchange = exchanges.iter().find_map(|at| answer.pointer(at));
            self.sink = exchange.map(|exchange| exchange["sink"].clone());
            let items = answer["items"].as_array().into_iter().flatten();
            let pointers = items.filter_map(|item| item["pointer"].as_str());
            self.places.extend(pointers.map(str::to_owned));
        }
        result
    }
}
