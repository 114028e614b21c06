//! Accounts, subaccounts, their keys, and who may do what with them.

use serde_json::{Value, json};

use super::error::TwilioError;
use super::paging::{self, Page};
use super::parameters::{self, Form};
use super::serve::Reply;
use super::{Shared, date, new_sid};
use crate::cloud::Platform;
use crate::cloud::serve::Request;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountStatus {
    Active,
    Suspended,
    Closed,
}

impl AccountStatus {
    fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Closed => "closed",
        }
    }

    fn of_word(word: &str) -> Self {
        match word {
            "suspended" => Self::Suspended,
            "closed" => Self::Closed,
            _ => Self::Active,
        }
    }
}

#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    pub sid: String,
    /// The primary token, with which webhooks are signed.
    pub auth_token: String,
    /// Good for calls, but nothing is signed with it.
    pub secondary_auth_token: Option<String>,
    /// Sid and secret; good for calls, but nothing is signed with them.
    pub api_keys: Vec<(String, String)>,
    pub friendly_name: String,
    /// Of a main account its own sid.
    pub owner_sid: String,
    pub status: AccountStatus,
    pub created_ms: u64,
}

/// Tokens stay out of what tests print.
impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("sid", &self.sid)
            .field("owner_sid", &self.owner_sid)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl Account {
    fn opens_with(&self, user: &str, password: &str) -> bool {
        let by_token = user == self.sid
            && (password == self.auth_token
                || self.secondary_auth_token.as_deref() == Some(password));
        let mut keys = self.api_keys.iter();
        by_token || keys.any(|(sid, secret)| sid == user && secret == password)
    }

    fn shown(&self) -> Value {
        let uri = format!("/2010-04-01/Accounts/{}", self.sid);
        json!({
            "sid": self.sid,
            "auth_token": self.auth_token,
            "friendly_name": self.friendly_name,
            "owner_account_sid": self.owner_sid,
            "status": self.status.word(),
            "type": "Full",
            "date_created": date::rfc2822(self.created_ms),
            "date_updated": date::rfc2822(self.created_ms),
            "subresource_uris": { "messages": format!("{uri}/Messages.json") },
            "uri": format!("{uri}.json"),
        })
    }
}

/// The account whose credentials the request carries.
pub(super) fn authenticate(shared: &Shared, request: &Request) -> Result<String, TwilioError> {
    let refused = || TwilioError::of_code(20_003);
    let header = request.header("authorization").ok_or_else(refused)?;
    let (user, password) = basic(header).ok_or_else(refused)?;
    let books = shared.books();
    let account = books
        .accounts
        .iter()
        .find(|account| account.opens_with(&user, &password))
        .ok_or_else(refused)?;
    may_act(&books.accounts, account)?;
    Ok(account.sid.clone())
}

/// Whether an account, and the one it belongs to, are in order.
fn may_act(accounts: &[Account], account: &Account) -> Result<(), TwilioError> {
    let owner = accounts.iter().find(|it| it.sid == account.owner_sid);
    for it in [Some(account), owner].into_iter().flatten() {
        if it.status != AccountStatus::Active {
            let word = it.status.word();
            return Err(TwilioError::forbidden(format_args!(
                "account {} is {word}",
                it.sid
            )));
        }
    }
    Ok(())
}

/// Whether `caller` may act on the account in a 2010-04-01 path: its own, or one of its subaccounts.
pub(super) fn may_reach(shared: &Shared, caller: &str, sid: &str) -> Result<(), TwilioError> {
    let books = shared.books();
    let account = books
        .account(sid)
        .filter(|account| account.sid == caller || account.owner_sid == caller)
        .ok_or_else(|| TwilioError::not_found(&format!("/2010-04-01/Accounts/{sid}")))?;
    may_act(&books.accounts, account)
}

fn basic(header: &str) -> Option<(String, String)> {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

pub(super) fn create(
    shared: &Shared,
    request: &Request,
    caller: &str,
) -> Result<Reply, TwilioError> {
    let form = parameters::form(request, parameters::ACCOUNT_CREATE)?;
    let now_ms = shared.clock.now_ms();
    let mut books = shared.books();
    if books
        .account(caller)
        .is_some_and(|account| account.owner_sid != account.sid)
    {
        return Err(TwilioError::forbidden("a subaccount has no subaccounts"));
    }
    let account = Account {
        sid: new_sid("AC"),
        auth_token: Platform::secret(""),
        secondary_auth_token: None,
        api_keys: Vec::new(),
        friendly_name: form.get("FriendlyName").map_or_else(
            || format!("SubAccount Created at {}", date::iso8601(now_ms)),
            str::to_owned,
        ),
        owner_sid: caller.to_owned(),
        status: AccountStatus::Active,
        created_ms: now_ms,
    };
    let shown = account.shown();
    books.accounts.push(account);
    Ok(Reply::created(shown))
}

pub(super) fn fetch(shared: &Shared, caller: &str, sid: &str) -> Result<Reply, TwilioError> {
    let books = shared.books();
    // A suspended one may be looked at by its owner, unlike its resources.
    let account = books
        .account(sid)
        .filter(|account| account.sid == caller || account.owner_sid == caller)
        .ok_or_else(|| TwilioError::not_found(&format!("/2010-04-01/Accounts/{sid}.json")))?;
    Ok(Reply::ok(account.shown()))
}

pub(super) fn update(
    shared: &Shared,
    request: &Request,
    caller: &str,
    sid: &str,
) -> Result<Reply, TwilioError> {
    let form = parameters::form(request, parameters::ACCOUNT_UPDATE)?;
    let mut books = shared.books();
    let account = books
        .accounts
        .iter_mut()
        .find(|account| account.sid == sid && (sid == caller || account.owner_sid == caller))
        .ok_or_else(|| TwilioError::not_found(&format!("/2010-04-01/Accounts/{sid}.json")))?;
    if let Some(name) = form.get("FriendlyName") {
        name.clone_into(&mut account.friendly_name);
    }
    if let Some(word) = form.get("Status") {
        if sid == caller {
            return Err(TwilioError::forbidden(
                "an account cannot change its own status",
            ));
        }
        if account.status == AccountStatus::Closed {
            return Err(TwilioError::invalid("a closed account stays closed"));
        }
        account.status = AccountStatus::of_word(word);
    }
    Ok(Reply::ok(account.shown()))
}

pub(super) fn list(shared: &Shared, request: &Request, caller: &str) -> Result<Reply, TwilioError> {
    let query: Form = parameters::query(request, parameters::ACCOUNT_LIST)?;
    let books = shared.books();
    let found: Vec<(String, Value)> = books
        .accounts
        .iter()
        .filter(|account| account.sid == caller || account.owner_sid == caller)
        .filter(|account| {
            query
                .get("FriendlyName")
                .is_none_or(|name| account.friendly_name == name)
        })
        .filter(|account| {
            query
                .get("Status")
                .is_none_or(|word| account.status.word() == word)
        })
        .map(|account| (account.sid.clone(), account.shown()))
        .collect();
    let page = Page::of(&query, &found)?;
    Ok(Reply::ok(paging::by_uri(
        "/2010-04-01/Accounts.json",
        "accounts",
        &query,
        &page,
    )))
}
