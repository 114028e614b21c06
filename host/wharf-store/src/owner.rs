//! Whose a credential or a webhook address is, and where a row of configuration comes from.

use std::fmt;
use std::str::FromStr;

use wharf_core::{AppId, ChannelId, EndpointId, TenantId};

use crate::columns::{foreign_key, text_enum};

text_enum! {
    /// Who maintains a row: a synchronisation from files touches only what files made.
    pub enum Origin {
        File = "file",
        Api = "api",
    }
}

/// What secrets and webhook addresses belong to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    App(AppId),
    Channel(TenantId, ChannelId),
    /// What the tenant's channels of one account at the provider share, or those of one app.
    Account(TenantId, AccountKey),
    Endpoint(TenantId, EndpointId),
}

/// An account at a provider (the plugin's name here and the provider's id of the account), or one
/// tenant's part of an app.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccountKey(String);

impl AccountKey {
    /// An id that is absurdly long stands for itself by its digest.
    pub fn new(plugin: &str, account: &str) -> Self {
        Self(foreign_key(&format!("{plugin}/{account}")).into_owned())
    }

    /// What one tenant holds by way of an app that others use too.
    pub fn of_app(app: &AppId) -> Self {
        Self(format!("app:{app}"))
    }
}

impl fmt::Display for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Owner {
    /// None for an app, which tenants share.
    pub fn tenant(&self) -> Option<&TenantId> {
        match self {
            Self::App(_) => None,
            Self::Channel(tenant, _) | Self::Account(tenant, _) | Self::Endpoint(tenant, _) => {
                Some(tenant)
            }
        }
    }
}

/// `app:ID`, `channel:TENANT/ID`, `account:TENANT/PLUGIN/ID`, `account:TENANT/app:ID`,
/// `endpoint:TENANT/ID`. Ids of ours hold neither `:` nor `/` and an account's stands last, so that no two owners are written alike.
impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::App(app) => write!(f, "app:{app}"),
            Self::Channel(tenant, channel) => write!(f, "channel:{tenant}/{channel}"),
            Self::Account(tenant, account) => write!(f, "account:{tenant}/{account}"),
            Self::Endpoint(tenant, endpoint) => write!(f, "endpoint:{tenant}/{endpoint}"),
        }
    }
}

impl FromStr for Owner {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not an owner");
        let (kind, rest) = text.split_once(':').ok_or_else(wrong)?;
        if kind == "app" {
            return rest.parse().map(Self::App).map_err(|_| wrong());
        }
        let (tenant, id) = rest.split_once('/').ok_or_else(wrong)?;
        let tenant = tenant.parse().map_err(|_| wrong())?;
        match kind {
            "channel" => id.parse().map(|id| Self::Channel(tenant, id)),
            "account" => Ok(Self::Account(tenant, AccountKey(id.to_owned()))),
            "endpoint" => id.parse().map(|id| Self::Endpoint(tenant, id)),
            _ => return Err(wrong()),
        }
        .map_err(|_| wrong())
    }
}
