//! A browser is sent to the provider, and what it is known by when it comes back.

use url::Url;
use wharf_core::provider::{Field, Finding, Piece, Visit};
use zeroize::Zeroizing;

use super::super::FlowError;
use super::saved::Awaited;
use super::{Next, Run, Turn};

/// The parameter that comes back as it went, by OAuth's rules.
const STATE: &str = "state";

/// Where a browser comes back to, and what it is known by then. No `Debug`: who has the token can come back.
#[derive(Clone)]
pub struct Return {
    /// One address for all flows: some providers compare it with what was entered with them.
    pub url: String,
    pub token: Zeroizing<String>,
    /// The token stands in the path, as it does once a flow has used the parameter `state` for itself.
    pub by_path: bool,
}

impl Return {
    pub(super) fn address(&self) -> String {
        match self.by_path {
            true => format!("{}/{}", self.url, self.token.as_str()),
            false => self.url.clone(),
        }
    }
}

impl Run<'_> {
    pub(super) fn visit(&self, findings: Vec<Finding>, visit: Visit) -> Result<Turn, FlowError> {
        let by_path = visit.query.iter().any(|field| field.name == STATE);
        let url = self.address(&visit, by_path)?;
        let saved = self.save(visit.state, Awaited::Return(visit.returns.clone()))?;
        let next = Next::Visit {
            url,
            returns: visit.returns,
            saved,
            by_path,
        };
        Ok(Turn { findings, next })
    }

    /// A browser's address: texts and the return address only, which the plugin's output was held to. The
    /// token goes along in `state`, as OAuth has it; a flow that has a `state` of its own gets it in the path.
    fn address(&self, visit: &Visit, by_path: bool) -> Result<Url, FlowError> {
        let mut url = Url::parse(&visit.url).map_err(|error| FlowError::Answer {
            name: "visit.url".to_owned(),
            reason: error.to_string(),
        })?;
        let mut values = Vec::with_capacity(visit.query.len());
        for field in &visit.query {
            values.push((field.name.as_str(), self.shown_value(field, by_path)?));
        }
        let comes_back = |field: &Field| field.value.contains(&Piece::ReturnUrl);
        if let Some(back) = &self.way_back
            && !by_path
            && visit.query.iter().any(comes_back)
        {
            values.push((STATE, back.token.to_string()));
        }
        if !values.is_empty() {
            url.query_pairs_mut().extend_pairs(values);
        }
        Ok(url)
    }

    fn shown_value(&self, field: &Field, by_path: bool) -> Result<String, FlowError> {
        let refuse = |reason: &str| FlowError::Answer {
            name: field.name.clone(),
            reason: reason.to_owned(),
        };
        let mut value = String::new();
        for piece in &field.value {
            match piece {
                Piece::Text(text) => value.push_str(text),
                Piece::ReturnUrl => {
                    let back = self.way_back.clone().ok_or_else(|| {
                        refuse("there is no way back for a browser; set http.public_url")
                    })?;
                    value.push_str(&Return { by_path, ..back }.address());
                }
                _ => return Err(refuse("a browser sees it, so it may hold texts only")),
            }
        }
        Ok(value)
    }
}
