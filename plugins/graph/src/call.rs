//! How this plugin's calls are made: the version in the path, the token, the proof of the app secret. Which
//! calls there are, stands where they are made.

use wharf_cloud_api::failure;
use wharf_plugin::flow::one_shot_or;
use wharf_plugin::prelude::*;
use wharf_plugin::types::{Encoding, Hash, HmacInput};

use crate::descriptor::{HOST, VERSION_DEFAULT};

/// Meta's ids have 15 to 17 digits today.
const ID_DIGITS_MAX: usize = 32;

/// What calls go by, from the settings.
pub(crate) struct Calls {
    version: String,
    proof: bool,
}

impl Calls {
    pub(crate) fn of(ctx: &Context) -> Result<Self, Error> {
        let version = ctx.setting("graph_version").unwrap_or(VERSION_DEFAULT);
        if !is_version(version) {
            return Err(Error::setting("graph_version", "must look like v26.0"));
        }
        let proof = match ctx.setting("appsecret_proof") {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(Error::setting("appsecret_proof", "must be true or false")),
        };
        Ok(Self {
            version: version.to_owned(),
            proof,
        })
    }

    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// `path` has no slash at its start.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{HOST}/{}/{path}", self.version)
    }

    /// With the account's token.
    pub(crate) fn by_account(&self, exchange: Exchange) -> Exchange {
        self.prove(exchange.bearer("access_token"))
    }

    /// The proof for calls with the account's token, where the app asks for it. The host computes it;
    /// neither secret comes here.
    pub(crate) fn prove(&self, exchange: Exchange) -> Exchange {
        if !self.proof {
            return exchange;
        }
        let token = vec![HmacInput::Secret("access_token".to_owned())];
        exchange.query("appsecret_proof", vec![proof_over(token)])
    }

    /// With the app's own token, which is its id and its secret.
    pub(crate) fn by_app(&self, exchange: Exchange, app_id: &str) -> Exchange {
        let id = format!("{app_id}|");
        let token = vec![piece::text(id.as_str()), piece::secret("app_secret")];
        let exchange = exchange.query("access_token", token);
        if !self.proof {
            return exchange;
        }
        let token = vec![
            HmacInput::Text(id),
            HmacInput::Secret("app_secret".to_owned()),
        ];
        exchange.query("appsecret_proof", vec![proof_over(token)])
    }

    pub(crate) fn get(&self, label: &str, path: &str) -> Exchange {
        self.by_account(Exchange::get(label, self.url(path)))
    }

    pub(crate) fn post(&self, label: &str, path: &str) -> Exchange {
        let url = self.url(path);
        self.by_account(Exchange::new(
            label,
            wharf_plugin::types::HttpMethod::Post,
            url,
        ))
    }

    pub(crate) fn delete(&self, label: &str, path: &str) -> Exchange {
        self.by_account(Exchange::delete(label, self.url(path)))
    }
}

fn proof_over(token: Vec<HmacInput>) -> Piece {
    piece::hmac("app_secret", Hash::Sha256, Encoding::Hex, token)
}

/// `v`, digits, a point, digits: nothing that could leave its path segment.
fn is_version(version: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    version
        .strip_prefix('v')
        .and_then(|numbers| numbers.split_once('.'))
        .is_some_and(|(major, minor)| digits(major) && digits(minor))
}

/// An id of Meta's as one segment of a path.
pub(crate) fn is_id(id: &str) -> bool {
    (1..=ID_DIGITS_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// A setting that holds an id.
pub(crate) fn id_setting<'c>(ctx: &'c Context, name: &str) -> Result<&'c str, Error> {
    let id = ctx.required(name)?;
    if is_id(id) {
        return Ok(id);
    }
    Err(Error::setting(name, "must be an ID of Meta's, digits only"))
}

/// What `read` makes of a 2xx answer. `replay` is the exchange's.
pub(crate) fn read<T>(
    outcome: Outcome,
    replay: Replay,
    read: impl FnOnce(&HttpResponse) -> Option<T>,
) -> Result<T, Error> {
    one_shot_or(outcome, replay, read, |response| refused(response, replay))
}

/// `{"success":true}` and nothing else is success.
pub(crate) fn succeeded(outcome: Outcome, replay: Replay) -> Result<(), Error> {
    read(outcome, replay, |response| {
        let answer: serde_json::Value = response.json()?;
        (answer["success"].as_bool() == Some(true)).then_some(())
    })
}

/// What a refusal means. The words about messages that may have been sent are not for these calls.
fn refused(response: &HttpResponse, replay: Replay) -> Error {
    let mut error = failure::from_answer(response, replay);
    if error.retry == Retry::Uncertain {
        error.remedy = Some("Look whether it was done, and try again if not.".to_owned());
    }
    error
}
