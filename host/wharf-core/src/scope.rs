//! What an API key may do: a resource and an action, and which of them an operation needs.
//!
//! The need follows from method and path, so that no operation can forget to say it: reading `/v1/messages`
//! needs `messages:read`, changing anything below it `messages:write`.

use std::fmt;
use std::str::FromStr;

/// Resources that a scope may name: the first part of a path below `/v1`.
pub const RESOURCES: [&str; 25] = [
    "alerts",
    "apps",
    "audit",
    "channels",
    "contacts",
    "dead-letters",
    "deliveries",
    "endpoints",
    "events",
    "exports",
    "health",
    "keys",
    "limits",
    "media",
    "messages",
    "onboarding",
    "plugins",
    "profile",
    "queues",
    "stats",
    "suppressions",
    "templates",
    "tenants",
    "usage",
    "webhooks",
];

/// Below this stands the simple surface's sending.
const SIMPLE_SEND: &str = "/api/whatsapp/official/send/";
const SIMPLE_STATS: &str = "/api/whatsapp/official/stats";

/// Operations that ask which channels a key may use. A key that is bound to channels is refused by all
/// others, until they ask too.
const HEED_CHANNELS: [&str; 7] = [
    "/v1/messages",
    "/v1/messages/{id}",
    "/v1/messages/{id}/media",
    "/v1/media",
    "/v1/channels",
    "/v1/stats",
    SIMPLE_STATS,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    Read,
    /// Reading too.
    Write,
}

/// One thing that a key may do. A resource of `None` is every resource, an action of `None` every action.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    resource: Option<String>,
    action: Option<Action>,
}

/// Why a text is no scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no scope: write `*`, or a resource (or `*`) with `:read`, `:write` or `:*`, for example messages:write; resources are {resources}",
    resources = RESOURCES.join(", ")
)]
pub struct ScopeError(String);

impl Scope {
    /// Everything.
    pub const ALL: Self = Self {
        resource: None,
        action: None,
    };

    /// Whether whoever has this may do what `needed` says. What may be changed may be read.
    pub fn covers(&self, needed: &Self) -> bool {
        let resource = self.resource.is_none() || self.resource == needed.resource;
        let action = match (self.action, needed.action) {
            (None | Some(Action::Write), Some(_)) | (None, None) => true,
            (Some(Action::Read), Some(needed)) => needed == Action::Read,
            (Some(_), None) => false,
        };
        resource && action
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let wrong = || ScopeError(text.chars().take(80).collect());
        if text == "*" {
            return Ok(Self::ALL);
        }
        let (resource, action) = text.split_once(':').ok_or_else(wrong)?;
        let resource = match resource {
            "*" => None,
            named if RESOURCES.contains(&named) => Some(named.to_owned()),
            _ => return Err(wrong()),
        };
        let action = match action {
            "*" => None,
            "read" => Some(Action::Read),
            "write" => Some(Action::Write),
            _ => return Err(wrong()),
        };
        Ok(Self { resource, action })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = match self.action {
            None => "*",
            Some(Action::Read) => "read",
            Some(Action::Write) => "write",
        };
        match (&self.resource, self.action) {
            (None, None) => f.write_str("*"),
            (resource, _) => write!(f, "{}:{action}", resource.as_deref().unwrap_or("*")),
        }
    }
}

/// What an operation needs, by its method and its route's pattern. What no rule knows needs everything.
pub fn needed(method: &str, route: &str) -> Scope {
    let of = |resource: &str, action| Scope {
        resource: Some(resource.to_owned()),
        action: Some(action),
    };
    if route.starts_with(SIMPLE_SEND) {
        return of("messages", Action::Write);
    }
    if route == SIMPLE_STATS {
        return of("stats", Action::Read);
    }
    let Some(resource) = route
        .strip_prefix("/v1/")
        .and_then(|rest| rest.split('/').next())
    else {
        return Scope::ALL;
    };
    let action = match method {
        "GET" | "HEAD" => Action::Read,
        _ => Action::Write,
    };
    of(resource, action)
}

/// Whether an operation keeps a key to the channels that it is bound to.
pub fn heeds_channels(route: &str) -> bool {
    HEED_CHANNELS.contains(&route)
        || route.starts_with("/v1/media/")
        || route.starts_with(SIMPLE_SEND)
}

/// Whether one of `held` covers `needed`.
pub fn allows(held: &[Scope], needed: &Scope) -> bool {
    held.iter().any(|scope| scope.covers(needed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> Scope {
        text.parse().unwrap()
    }

    #[test]
    fn scopes_read_back_as_written() {
        for text in ["*", "*:read", "*:write", "messages:read", "keys:*"] {
            assert_eq!(scope(text).to_string(), text);
        }
        for wrong in [
            "",
            "messages",
            "messages:",
            "message:read",
            "messages:send",
            ":read",
            "**",
        ] {
            let error = wrong.parse::<Scope>().unwrap_err();
            assert!(error.to_string().contains("messages:write"), "{error}");
        }
    }

    #[test]
    fn a_scope_covers_its_resource_and_what_is_less() {
        let read = needed("GET", "/v1/messages/{id}");
        let write = needed("POST", "/v1/messages");
        let foreign = needed("DELETE", "/v1/keys/{id}");
        let cases = [
            ("*", [true, true, true]),
            ("*:read", [true, false, false]),
            ("*:write", [true, true, true]),
            ("messages:*", [true, true, false]),
            ("messages:write", [true, true, false]),
            ("messages:read", [true, false, false]),
            ("keys:write", [false, false, true]),
        ];
        for (held, expected) in cases {
            let held = [scope(held)];
            let found = [&read, &write, &foreign].map(|needed| allows(&held, needed));
            assert_eq!(found, expected, "{held:?}");
        }
        assert!(!allows(&[], &read));
    }

    #[test]
    fn nobody_gives_more_than_they_have() {
        assert!(scope("*").covers(&Scope::ALL));
        for less in ["*:write", "*:read", "messages:*"] {
            assert!(!scope(less).covers(&Scope::ALL), "{less}");
        }
        assert!(scope("messages:*").covers(&scope("messages:write")));
        assert!(!scope("messages:write").covers(&scope("messages:*")));
    }

    #[test]
    fn the_need_follows_from_the_path() {
        let cases = [
            ("GET", "/v1/messages", "messages:read"),
            ("HEAD", "/v1/messages", "messages:read"),
            ("POST", "/v1/keys/{id}/rotate", "keys:write"),
            (
                "POST",
                "/api/whatsapp/official/send/{kind}",
                "messages:write",
            ),
            ("GET", "/api/whatsapp/official/stats", "stats:read"),
            ("POST", "/cloud/{phone}/messages", "*"),
        ];
        for (method, route, expected) in cases {
            assert_eq!(needed(method, route).to_string(), expected, "{route}");
        }
    }

    #[test]
    fn what_does_not_ask_for_channels_is_closed_to_bound_keys() {
        assert!(heeds_channels("/v1/messages"));
        assert!(heeds_channels("/v1/media/{id}/content"));
        assert!(!heeds_channels("/v1/keys"));
        assert!(!heeds_channels("/v1/messages/batch"));
    }
}
