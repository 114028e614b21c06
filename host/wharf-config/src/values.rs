//! How plain values are written: numbers, switches, addresses, lists. Must not know of secrets.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use figment::value::Value;
use ipnet::IpNet;
use url::Url;

use crate::at::{At, ID_REMEDY, is_id};
use crate::read::FromConfig;

/// Longer values are not quoted in a problem.
const QUOTED_CHARS_MAX: usize = 60;

macro_rules! whole_numbers {
    ($($number:ty),*) => {$(
        impl FromConfig for $number {
            fn from_config(at: &At<'_>) -> Option<Self> {
                let text = at.text()?;
                text.parse().ok().or_else(|| {
                    let what = format!("{} is not a whole number up to {}", quoted(text), Self::MAX);
                    at.refuse(what, "write digits only, for example 4000")
                })
            }
        }
    )*};
}
whole_numbers!(u8, u16, u32, u64, usize);

impl FromConfig for bool {
    fn from_config(at: &At<'_>) -> Option<Self> {
        match at.text()? {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            text => at.refuse(
                format!("{} is neither true nor false", quoted(text)),
                "write true or false",
            ),
        }
    }
}

impl FromConfig for String {
    fn from_config(at: &At<'_>) -> Option<Self> {
        at.text().map(str::to_owned)
    }
}

impl FromConfig for PathBuf {
    fn from_config(at: &At<'_>) -> Option<Self> {
        match at.text()? {
            "" => at.refuse("the path is empty", "write a path"),
            text => Some(Self::from(text)),
        }
    }
}

impl FromConfig for SocketAddr {
    fn from_config(at: &At<'_>) -> Option<Self> {
        let text = at.text()?;
        text.parse().ok().or_else(|| {
            at.refuse(
                format!("{} is not an address with a port", quoted(text)),
                "write IP:PORT, for example 127.0.0.1:8080 or [::]:8080",
            )
        })
    }
}

impl FromConfig for Url {
    /// An http or https URL without credentials, which would show up in logs.
    fn from_config(at: &At<'_>) -> Option<Self> {
        // Never quoted: people paste URLs with tokens in them.
        let url = match Self::parse(at.text()?) {
            Ok(url) => url,
            Err(error) => {
                return at.refuse(
                    format!("not a URL ({error})"),
                    "write a whole URL, for example https://example.com/path",
                );
            }
        };
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return at.refuse("not an http or https URL", "start it with https://");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return at.refuse(
                "has a user or password in it",
                "remove the part before @; credentials do not belong into URLs",
            );
        }
        if url.fragment().is_some() {
            return at.refuse("has a fragment", "remove # and what follows");
        }
        Some(url)
    }
}

impl FromConfig for IpNet {
    fn from_config(at: &At<'_>) -> Option<Self> {
        let text = at.text()?;
        let single = || {
            text.parse()
                .ok()
                .map(|address: std::net::IpAddr| address.into())
        };
        text.parse().ok().or_else(single).or_else(|| {
            at.refuse(
                format!("{} is not an address range", quoted(text)),
                "write CIDR, for example 10.1.0.0/16",
            )
        })
    }
}

impl<T: FromConfig> FromConfig for Option<T> {
    /// An empty text unsets a key that a lower layer has set.
    fn from_config(at: &At<'_>) -> Option<Self> {
        match at.value {
            Value::String(_, text) if text.is_empty() => Some(None),
            _ => T::from_config(at).map(Some),
        }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: FromConfig> FromConfig for Vec<T> {
    /// A list, or one text with commas as environment and options have it.
    fn from_config(at: &At<'_>) -> Option<Self> {
        let split: Vec<Value>;
        let items = match at.value {
            Value::Array(_, items) => items,
            Value::String(_, text) => {
                let parts = text.split(',').map(str::trim);
                split = parts
                    .filter(|part| !part.is_empty())
                    .map(Value::from)
                    .collect();
                &split
            }
            _ => return at.refuse("must be a list", "write [\"a\", \"b\"]"),
        };
        let mut all = Some(Self::new());
        for (index, item) in items.iter().enumerate() {
            let read = T::from_config(&at.item(&index.to_string(), item));
            all = all.zip(read).map(|(mut all, one)| {
                all.push(one);
                all
            });
        }
        all
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

impl<T: FromConfig> FromConfig for BTreeMap<String, T> {
    /// A table whose keys are names.
    fn from_config(at: &At<'_>) -> Option<Self> {
        read_map(at, |at, name| at.id(name))
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

/// Host names with the URL where connections to them really go; empty outside of `dev` and tests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectTo(pub BTreeMap<String, Url>);

impl FromConfig for ConnectTo {
    fn from_config(at: &At<'_>) -> Option<Self> {
        let urls: BTreeMap<String, Url> = read_map(at, |at, host| {
            let named = url::Host::parse(host).is_ok_and(|parsed| parsed.to_string() == host);
            if named {
                return Some(());
            }
            at.refuse(
                "not a host name",
                "write the bare lower-case host in quotes, for example \"graph.facebook.com\"",
            )
        })?;
        let mut all = Some(());
        for (host, url) in &urls {
            if url.path() != "/" || url.query().is_some() {
                let place = at.item(host, at.value);
                all = place.refuse("has a path", "write scheme, host and port only");
            }
        }
        all.map(|()| Self(urls))
    }

    fn absent() -> Option<Self> {
        Some(Self::default())
    }
}

fn read_map<T: FromConfig>(
    at: &At<'_>,
    check_name: impl Fn(&At<'_>, &str) -> Option<()>,
) -> Option<BTreeMap<String, T>> {
    let mut all = Some(BTreeMap::new());
    for (name, value) in at.dict()? {
        let item = at.item(name, value);
        let read = check_name(&item, name).and_then(|()| T::from_config(&item));
        all = all.zip(read).map(|(mut all, one)| {
            all.insert(name.clone(), one);
            all
        });
    }
    all
}

/// A name that must be usable as an id.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Id(pub(crate) String);

impl FromConfig for Id {
    fn from_config(at: &At<'_>) -> Option<Self> {
        let text = at.text()?;
        if is_id(text) {
            return Some(Self(text.to_owned()));
        }
        at.refuse(format!("{} is not a usable name", quoted(text)), ID_REMEDY)
    }
}

/// A value as a problem quotes it: short and on one line.
pub(crate) fn quoted(text: &str) -> impl fmt::Display {
    let mut shown: String = text.chars().take(QUOTED_CHARS_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("\"{}\"", shown.escape_debug())
}

/// An enum written as one of some words.
macro_rules! choice {
    ($(#[$doc:meta])* pub enum $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// The word as it is written in the configuration.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl $crate::read::FromConfig for $name {
            fn from_config(at: &$crate::at::At<'_>) -> Option<Self> {
                let words = [$($word),*];
                match at.text()? {
                    $($word => Some(Self::$variant),)*
                    text => at.refuse(
                        format!("{} is not a choice", $crate::values::quoted(text)),
                        format!("choose one of {}", words.join(", ")),
                    ),
                }
            }
        }
    };
}
pub(crate) use choice;
