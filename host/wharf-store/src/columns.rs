//! How columns become typed values and typed values columns. Knows no table.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use wharf_core::IdError;

use crate::error::StoreError;

/// PostgreSQL refuses index entries above 2,704 bytes; what a provider names its things with is
/// indexed and not ours to choose.
const FOREIGN_KEY_BYTES_MAX: usize = 512;

/// An enum that stands in a text column.
macro_rules! text_enum {
    ($(#[$doc:meta])* $vis:vis enum $name:ident { $($(#[$case_doc:meta])* $case:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis enum $name { $($(#[$case_doc])* $case,)+ }

        impl $name {
            /// As stored and as shown.
            $vis fn as_str(self) -> &'static str {
                match self { $(Self::$case => $text,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$case),)+
                    other => Err(format!(
                        concat!("{:?} is none of", $(" ", $text),+), other
                    )),
                }
            }
        }
    };
}
pub(crate) use text_enum;

fn corrupt(column: &'static str, why: impl Display) -> StoreError {
    StoreError::Corrupt {
        what: format!("{column}: {why}"),
    }
}

/// A slug, a status, a case of a [`text_enum`].
pub(crate) fn parsed<T>(column: &'static str, text: &str) -> Result<T, StoreError>
where
    T: FromStr,
    T::Err: Display,
{
    text.parse().map_err(|why| corrupt(column, why))
}

/// As [`parsed`], for a column that may be null.
pub(crate) fn parsed_or_null<T>(
    column: &'static str,
    text: Option<&str>,
) -> Result<Option<T>, StoreError>
where
    T: FromStr,
    T::Err: Display,
{
    text.map(|text| parsed(column, text)).transpose()
}

/// An id that is stored without its prefix.
pub(crate) fn bare<T>(
    column: &'static str,
    text: &str,
    from_bare: fn(&str) -> Result<T, IdError>,
) -> Result<T, StoreError> {
    from_bare(text).map_err(|why| corrupt(column, why))
}

pub(crate) fn json<T: DeserializeOwned>(column: &'static str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|why| corrupt(column, why))
}

pub(crate) fn json_or_null<T: DeserializeOwned>(
    column: &'static str,
    text: Option<&str>,
) -> Result<Option<T>, StoreError> {
    text.map(|text| json(column, text)).transpose()
}

pub(crate) fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("our documents have string keys and no failing serialiser")
}

pub(crate) fn to_json_or_null<T: Serialize>(value: Option<&T>) -> Option<String> {
    value.map(to_json)
}

/// A count that is not negative and small, such as an attempt's number.
pub(crate) fn number<T>(column: &'static str, value: i64) -> Result<T, StoreError>
where
    T: TryFrom<i64>,
    T::Error: Display,
{
    T::try_from(value).map_err(|why| corrupt(column, why))
}

/// Free text from outside. PostgreSQL cannot hold a NUL, and a webhook that carries one must not
/// fail for ever on that database alone.
pub(crate) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{FFFD}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// An identifier that somebody else chose and that we look up: as it is, or, when it is absurdly
/// long, its digest. Written and looked up through this function alike.
pub(crate) fn foreign_key(text: &str) -> Cow<'_, str> {
    if text.len() > FOREIGN_KEY_BYTES_MAX {
        Cow::Owned(format!("sha256:{}", sha256_hex(text.as_bytes())))
    } else {
        storable(text)
    }
}

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
