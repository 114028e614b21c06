//! The direction of dependencies: core <- config, store, queue, runtime, egress <- wharf <- tests.

use std::path::Path;

use super::{Complaint, shown};
use crate::workspace::{Dependency, Package};

/// What each crate may use of this workspace. Tests of a crate may use the test support on top.
const MAY_USE: &[(&str, &[&str])] = &[
    ("wharf-core", &[]),
    ("wharf-config", &["wharf-core"]),
    ("wharf-store", &["wharf-core"]),
    ("wharf-queue", &["wharf-core", "wharf-store"]),
    // The author's kit calls plugins with JSON, and both sides of it agree on how it reads.
    ("wharf-runtime", &["wharf-cases", "wharf-core"]),
    ("wharf-egress", &["wharf-core"]),
    ("wharf-build", &[]),
    ("wharf-console", &["wharf-core"]),
    (
        "wharf",
        &[
            "wharf-build",
            "wharf-cases",
            "wharf-core",
            "wharf-config",
            "wharf-store",
            "wharf-queue",
            "wharf-runtime",
            "wharf-egress",
            "wharf-console",
        ],
    ),
    ("wharf-test-support", &[]),
    // Knows the interface's text only.
    ("wharf-hostile", &[]),
    // Measures everything, the plugins' own code included, and nothing sees it.
    (
        "wharf-load",
        &[
            "wharf",
            "wharf-core",
            "wharf-config",
            "wharf-store",
            "wharf-queue",
            "wharf-runtime",
            "wharf-test-support",
            "wharf-hostile",
            "wharf-plugin",
            "wharf-plugin-graph",
        ],
    ),
    // Starts the gateway as a program, so that running a task does not build all of it first.
    ("xtask", &["wharf-build", "wharf-test-support"]),
];
/// Sees everything, and nothing sees it.
const TESTS: &str = "wharf-tests";
const TEST_SUPPORT: &str = "wharf-test-support";

pub(super) fn check(packages: &[Package], root: &Path) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for package in packages.iter().filter(|package| package.name != TESTS) {
        let complain = |message| Complaint {
            file: shown(root, &package.manifest_path),
            line: None,
            message,
        };
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == package.name) else {
            complaints.push(complain(format!(
                "tidy does not know what {} may depend on: add it to the list in xtask's tidy/crates.rs",
                package.name
            )));
            continue;
        };
        for dependency in package
            .dependencies
            .iter()
            .filter(|used| used.path.is_some())
        {
            if !may_use(allowed, dependency) {
                complaints.push(complain(format!(
                    "{} must not depend on {}: arrows point from wharf down to wharf-core",
                    package.name, dependency.name
                )));
            }
        }
    }
    complaints
}

fn may_use(allowed: &[&str], dependency: &Dependency) -> bool {
    let for_tests = dependency.kind.as_deref() == Some("dev");
    allowed.contains(&dependency.name.as_str()) || (for_tests && dependency.name == TEST_SUPPORT)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn package(name: &str, uses: &[(&str, Option<&str>)]) -> Package {
        let dependencies = uses
            .iter()
            .map(|(name, kind)| Dependency {
                name: (*name).to_owned(),
                kind: kind.map(str::to_owned),
                path: Some(PathBuf::from("x")),
            })
            .collect();
        Package {
            name: name.to_owned(),
            manifest_path: "r/host/x/Cargo.toml".into(),
            dependencies,
        }
    }

    #[test]
    fn arrows_point_one_way() {
        let good = [
            package(
                "wharf-queue",
                &[("wharf-store", None), ("wharf-test-support", Some("dev"))],
            ),
            package("wharf", &[("wharf-egress", None)]),
            package("wharf-tests", &[("wharf", Some("dev"))]),
        ];
        assert_eq!(check(&good, Path::new("r")), []);

        for (name, used, kind) in [
            ("wharf-core", "wharf-store", None),
            ("wharf-store", "wharf-queue", Some("dev")),
            ("wharf-egress", "wharf-test-support", None),
            ("wharf", "wharf-tests", None),
        ] {
            let found = check(&[package(name, &[(used, kind)])], Path::new("r"));
            assert_eq!(found.len(), 1, "{name} -> {used}");
            assert_eq!(found[0].file, "host/x/Cargo.toml");
            assert!(found[0].message.contains(used));
        }
        let unknown = check(&[package("wharf-new", &[])], Path::new("r"));
        assert!(unknown[0].message.contains("add it to the list"));
    }
}
