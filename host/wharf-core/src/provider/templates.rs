//! The optional interface `templates`: the message templates a provider knows.

use serde::{Deserialize, Serialize};

use super::exchange::MediaRef;
use super::json::Json;

/// One language of a template. Category, status and quality are the provider's own words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemplateEntry {
    pub id: Option<String>,
    pub name: String,
    pub language: String,
    pub category: String,
    pub status: String,
    pub quality: Option<String>,
    /// Why it was refused or paused.
    pub reason: Option<String>,
    /// Its components, in the Cloud API's shape.
    pub definition: Json,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemplateDraft {
    pub name: String,
    pub language: String,
    pub category: String,
    pub definition: Json,
    /// RFC 6901 pointer into the definition, and the example that belongs there.
    pub examples: Vec<(String, MediaRef)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemplatesRequest {
    /// Everything the account has.
    List,
    Create(TemplateDraft),
    /// The template's id and what it becomes.
    Edit(String, TemplateDraft),
    /// Every language of a name, or the one with this id.
    Delete(String, Option<String>),
}
