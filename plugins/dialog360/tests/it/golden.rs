//! The cases that also run in the sandbox.

use wharf_plugin::testing::Golden;
use wharf_plugin_dialog360::Dialog360;

#[test]
fn golden_cases() {
    Golden::of::<Dialog360>()
        .media::<Dialog360>()
        .onboarding::<Dialog360>()
        .templates::<Dialog360>()
        .health::<Dialog360>()
        .profile::<Dialog360>()
        .run("cases");
}
