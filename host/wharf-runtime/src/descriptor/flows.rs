//! What onboarding flows declare: names that are found again when a flow runs.

use wharf_core::provider::{Descriptor, FlowInfo, Launch};

use super::names::{is_line, is_slug};
use super::{INPUTS_MAX, LINE_BYTES_MAX, Problems, check_input, check_setting};
use crate::interface::Interface;

const FLOWS_MAX: usize = 16;
/// More would be read by nobody who watches a flow.
const STEPS_MAX: usize = 20;

pub(super) fn check(problems: &mut Problems, descriptor: &Descriptor, interfaces: &[Interface]) {
    let flows = &descriptor.flows;
    problems.count("flows", flows.len(), FLOWS_MAX);
    problems.unique("flows", flows.iter().map(|flow| flow.id.as_str()));
    problems.require(
        flows.is_empty() || interfaces.contains(&Interface::Onboarding),
        "flows",
        "are described, but the interface onboarding is not exported",
    );
    for flow in flows {
        let place = format!("flow `{}`", flow.id);
        check_flow(problems, &place, flow);
        check_inputs(problems, descriptor, &place, flow);
        check_launch(problems, descriptor, &place, &flow.launch);
    }
}

fn check_flow(problems: &mut Problems, place: &str, flow: &FlowInfo) {
    problems.require(
        is_slug(&flow.id),
        place,
        "must have an id of a-z, 0-9, `.`, `-` and `_`",
    );
    problems.require(
        is_line(&flow.title, LINE_BYTES_MAX),
        place,
        "needs a title of one line",
    );
    let steps = format!("{place} steps");
    problems.count(&steps, flow.steps.len(), STEPS_MAX);
    problems.require(
        !flow.steps.is_empty(),
        &steps,
        "must name at least one, or nothing of the flow can be shown",
    );
    problems.unique(&steps, flow.steps.iter().map(|(name, _)| name.as_str()));
    for (name, title) in &flow.steps {
        problems.require(
            is_slug(name) && is_line(title, LINE_BYTES_MAX),
            &format!("{place} step `{name}`"),
            "must have a name of a-z, 0-9, `.`, `-` and `_` and a title of one line",
        );
    }
}

fn check_inputs(problems: &mut Problems, descriptor: &Descriptor, place: &str, flow: &FlowInfo) {
    let inputs = format!("{place} inputs");
    problems.count(&inputs, flow.inputs.len(), INPUTS_MAX);
    problems.unique(&inputs, flow.inputs.iter().map(|input| input.name.as_str()));
    for input in &flow.inputs {
        let place = format!("{place} input `{}`", input.name);
        check_input(problems, descriptor, &place, input);
        problems.require(
            descriptor.input(&input.name).is_none(),
            &place,
            "has the name of an input of the description; only one of them could be meant",
        );
    }
}

fn check_launch(problems: &mut Problems, descriptor: &Descriptor, place: &str, launch: &Launch) {
    let Launch::EmbeddedSignup(signup) = launch else {
        return;
    };
    let settings = [
        Some(&signup.app_id_setting),
        Some(&signup.config_setting),
        signup.solution_setting.as_ref(),
    ];
    for setting in settings.into_iter().flatten() {
        check_setting(problems, descriptor, place, setting);
    }
    if let Some(feature) = &signup.feature {
        problems.require(
            is_line(feature, LINE_BYTES_MAX),
            place,
            "has a feature that is not one line",
        );
    }
}
