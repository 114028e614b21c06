//! The optional interfaces of a provider. A component has each or not; the host finds them by name.

use std::fmt;

/// An optional interface of `wharf:provider`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Interface {
    Media,
    Onboarding,
    Templates,
    Health,
    Reconcile,
    Profile,
}

impl Interface {
    pub const ALL: [Self; 6] = [
        Self::Media,
        Self::Onboarding,
        Self::Templates,
        Self::Health,
        Self::Reconcile,
        Self::Profile,
    ];

    /// Its name in the package.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Media => "media",
            Self::Onboarding => "onboarding",
            Self::Templates => "templates",
            Self::Health => "health",
            Self::Reconcile => "reconcile",
            Self::Profile => "profile",
        }
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
