//! The cases that also run in the sandbox.

use wharf_plugin::testing::Golden;
use wharf_plugin_twilio::Twilio;

#[test]
fn golden_cases() {
    Golden::of::<Twilio>()
        .media::<Twilio>()
        .onboarding::<Twilio>()
        .templates::<Twilio>()
        .health::<Twilio>()
        .reconcile::<Twilio>()
        .profile::<Twilio>()
        .run("cases");
}
