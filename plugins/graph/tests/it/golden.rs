//! The cases that also run in the sandbox.

use wharf_plugin::testing::Golden;
use wharf_plugin_graph::Graph;

#[test]
fn golden_cases() {
    Golden::of::<Graph>()
        .media::<Graph>()
        .onboarding::<Graph>()
        .templates::<Graph>()
        .health::<Graph>()
        .profile::<Graph>()
        .run("cases");
}
