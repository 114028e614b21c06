//! Variables of a template. The Cloud API counts them from 1 in each part, Twilio through the whole content.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use wharf_plugin::prelude::Error;

/// <https://www.twilio.com/docs/content/using-variables-with-content-api>.
const VARIABLES_MAX: usize = 100;
const NAME_CHARS_MAX: usize = 16;

/// The variables of a content as its parts are written, each with its sample.
#[derive(Default)]
pub(super) struct Variables {
    numbers: usize,
    samples: Map<String, Value>,
}

impl Variables {
    /// A part's text with Twilio's variables in place of its own. `sample` gives the example of a name.
    pub(super) fn rewrite(
        &mut self,
        part: &str,
        text: &str,
        sample: impl Fn(&str) -> Option<String>,
    ) -> Result<String, Error> {
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        let mut written = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, name, after)) = place(rest) {
            let variable = match seen.get(name) {
                Some(variable) => variable.clone(),
                None => {
                    let sample = sample(name).filter(|sample| !sample.is_empty());
                    let Some(sample) = sample else {
                        return Err(Error::invalid(format!(
                            "the {part}'s variable {{{{{name}}}}} has no example; WhatsApp approves none without"
                        )));
                    };
                    let variable = self.add(part, name, sample)?;
                    seen.insert(name.to_owned(), variable.clone());
                    variable
                }
            };
            written.push_str(before);
            written.push_str(&format!("{{{{{variable}}}}}"));
            rest = after;
        }
        written.push_str(rest);
        Ok(written)
    }

    /// A variable of its own, as for a code.
    pub(super) fn add(&mut self, part: &str, name: &str, sample: String) -> Result<String, Error> {
        let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
        let variable = if is_number {
            self.numbers += 1;
            self.numbers.to_string()
        } else {
            name.to_owned()
        };
        if variable.chars().count() > NAME_CHARS_MAX {
            return Err(Error::invalid(format!(
                "a variable's name has at most {NAME_CHARS_MAX} characters, the {part}'s `{variable}` has more"
            )));
        }
        self.samples.insert(variable.clone(), sample.into());
        if self.samples.len() > VARIABLES_MAX {
            return Err(Error::invalid(format!(
                "a content has at most {VARIABLES_MAX} variables"
            )));
        }
        Ok(variable)
    }

    pub(super) fn into_samples(self) -> Map<String, Value> {
        self.samples
    }
}

/// The first place of a text: what stands before it, its name, what stands after it.
fn place(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let open = from + text.get(from..)?.find("{{")?;
        let inner = text.get(open + 2..)?;
        let close = inner.find("}}")?;
        let name = inner.get(..close)?.trim();
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if !name.is_empty() && name.bytes().all(fits) {
            return Some((text.get(..open)?, name, inner.get(close + 2..)?));
        }
        from = open + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_counted_through_all_parts_and_names_are_kept() {
        let mut variables = Variables::default();
        let sample = |name: &str| Some(format!("s{name}"));
        let header = variables
            .rewrite("header", "Hi {{1}}", sample)
            .expect("written");
        let body = variables.rewrite(
            "body",
            "{{1}}, {{ 2 }}, {{1}} {{name}} {{}} {{a b}} {{",
            sample,
        );
        assert_eq!(header, "Hi {{1}}");
        assert_eq!(
            body.expect("written"),
            "{{2}}, {{3}}, {{2}} {{name}} {{}} {{a b}} {{"
        );
        let samples = Value::Object(variables.into_samples());
        assert_eq!(
            samples,
            serde_json::json!({ "1": "s1", "2": "s1", "3": "s2", "name": "sname" })
        );
    }

    #[test]
    fn too_many_too_long_and_without_an_example_are_refused_by_name() {
        let refused = |text: &str, sample: Option<&str>| {
            let sample = sample.map(str::to_owned);
            let written = Variables::default().rewrite("body", text, |_| sample.clone());
            written.expect_err("refused").detail
        };
        assert!(refused("{{1}}", None).contains("{{1}} has no example"));
        assert!(refused("{{1}}", Some("")).contains("has no example"));
        assert!(refused("{{a_name_of_17_char}}", Some("x")).contains("at most 16 characters"));
        let many: String = (1..=101)
            .map(|number| format!("{{{{{number}}}}} "))
            .collect();
        assert!(refused(&many, Some("x")).contains("at most 100 variables"));
    }
}
