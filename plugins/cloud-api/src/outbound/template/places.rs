//! The places of a template's text, `{{1}}` or `{{name}}`, and whether parameters fill them.

use wharf_plugin::messages::Parameter;
use wharf_plugin::prelude::Error;

use super::mismatch;

/// Each place once, in the order of the text.
pub(super) struct Places<'a>(Vec<&'a str>);

impl<'a> Places<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let mut names: Vec<&str> = Vec::new();
        for rest in text.split("{{").skip(1) {
            if let Some((name, _)) = rest.split_once("}}") {
                let name = name.trim();
                if !name.is_empty() && !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        Self(names)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn is_named(&self) -> bool {
        let is_number = |name: &&str| name.bytes().all(|byte| byte.is_ascii_digit());
        !self.0.iter().all(is_number)
    }

    /// `part`: as people name the part of the template.
    pub(super) fn check(&self, part: &str, parameters: &[Parameter]) -> Result<(), Error> {
        if parameters.len() != self.0.len() {
            return Err(mismatch(format!(
                "the template's {part} has {} parameters, this message gives {}",
                self.0.len(),
                parameters.len()
            )));
        }
        // What is passed through may be named or not.
        if parameters
            .iter()
            .any(|parameter| matches!(parameter, Parameter::Other(_)))
        {
            return Ok(());
        }
        let given: Vec<&str> = parameters
            .iter()
            .filter_map(|parameter| match parameter {
                Parameter::Named((name, _)) => Some(name.as_str()),
                _ => None,
            })
            .collect();
        if !self.is_named() {
            return match given.first() {
                None => Ok(()),
                Some(name) => Err(mismatch(format!(
                    "the template's {part} has numbered parameters, this message names `{name}`"
                ))),
            };
        }
        match self.0.iter().find(|name| !given.contains(name)) {
            None => Ok(()),
            Some(name) => Err(mismatch(format!(
                "the template's {part} needs the parameter `{name}`, this message does not name it"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_once_each() {
        for (text, places) in [
            ("", &[][..]),
            ("Hello", &[]),
            ("{{1}} and {{ 2 }} and {{1}}", &["1", "2"]),
            ("{{name}}{{city}}", &["name", "city"]),
            ("{{ {{}} {{1", &[]),
            ("{1} }} {{", &[]),
        ] {
            assert_eq!(Places::of(text).0, places, "{text}");
        }
        assert!(Places::of("{{name}}").is_named());
        assert!(!Places::of("{{1}}").is_named());
    }
}
