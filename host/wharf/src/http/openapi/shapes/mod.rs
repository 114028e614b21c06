//! The shapes of bodies, as the API's document shows them. What is sent is read by `wharf_core::request`, what is
//! shown is written by `crate::view`; tests hold the shapes against both.

#![expect(dead_code, reason = "shapes are described and never made")]

pub(in crate::http) mod apps;
pub(in crate::http) mod content;
pub(in crate::http) mod gateway;
pub(in crate::http) mod keys;
pub(in crate::http) mod media;
pub(in crate::http) mod messages;
pub(in crate::http) mod onboarding;
pub(in crate::http) mod problem;
pub(in crate::http) mod send;
pub(in crate::http) mod sending;
pub(in crate::http) mod upkeep;
