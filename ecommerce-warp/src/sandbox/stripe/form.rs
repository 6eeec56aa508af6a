//! Stripe's forms, read strictly: what is not taken out of one is a parameter that Stripe does not know.

use serde_json::{Map, Value};

use super::Refusal;
use crate::sandbox::held::Line;

/// How many keys metadata may have, and how long they and their values may be.
const MOST_METADATA: usize = 50;
const LONGEST_METADATA_KEY: usize = 40;
const LONGEST_METADATA: usize = 500;

/// What was sent and not yet taken.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn of(fields: Vec<(String, String)>) -> Self {
        Self(fields)
    }

    /// The parameter, where it was given.
    pub(super) fn take(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        let Some(place) = self.0.iter().position(|(given, _)| given == name) else { return Ok(None) };
        let (_, value) = self.0.remove(place);
        if value.is_empty() {
            let message = format!("You passed an empty string for '{name}'.");
            return Err(Refusal::parameter(400, Some("parameter_invalid_empty"), name, message));
        }
        Ok(Some(value))
    }

    /// The parameter, which must be given.
    pub(super) fn must(&mut self, name: &str) -> Result<String, Refusal> {
        let missing = || Refusal::parameter(400, Some("parameter_missing"), name, format!("Missing required param: {name}."));
        self.take(name)?.ok_or_else(missing)
    }

    /// The parameter as a whole number, where it was given.
    pub(super) fn number(&mut self, name: &str) -> Result<Option<i64>, Refusal> {
        let invalid =
            |text: String| Refusal::parameter(400, Some("parameter_invalid_integer"), name, format!("Invalid integer: {text}"));
        self.take(name)?.map(|text| text.parse().map_err(|_| invalid(text))).transpose()
    }

    /// The parameter as a whole number, which must be given and be at least so large.
    pub(super) fn must_number(&mut self, name: &str, smallest: i64) -> Result<i64, Refusal> {
        let missing = || Refusal::parameter(400, Some("parameter_missing"), name, format!("Missing required param: {name}."));
        let number = self.number(name)?.ok_or_else(missing)?;
        if number < smallest {
            let message = format!("This value must be greater than or equal to {smallest}.");
            return Err(Refusal::parameter(400, Some("parameter_invalid_integer"), name, message));
        }
        Ok(number)
    }

    /// The parameter as a URL of http or https.
    pub(super) fn url(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        let url = self.take(name)?;
        let is_url = |url: &String| url.starts_with("http://") || url.starts_with("https://");
        if url.as_ref().is_some_and(|url| !is_url(url)) {
            return Err(Refusal::parameter(400, Some("url_invalid"), name, "Not a valid URL"));
        }
        Ok(url)
    }

    /// The metadata with this name.
    pub(super) fn metadata(&mut self, name: &str) -> Result<Map<String, Value>, Refusal> {
        let key = |given: &str| Some(given.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']')?.to_owned());
        let mut metadata = Map::new();
        for (given, value) in self.0.extract_if(.., |(given, _)| key(given).is_some()) {
            let key = key(&given).unwrap_or_default();
            if key.len() > LONGEST_METADATA_KEY || value.chars().count() > LONGEST_METADATA || metadata.len() >= MOST_METADATA {
                return Err(Refusal::parameter(400, None, &given, "Metadata is too much or too long."));
            }
            metadata.insert(key, Value::from(value));
        }
        Ok(metadata)
    }

    /// The lines of what is bought, and their currency.
    pub(super) fn lines(&mut self) -> Result<(Vec<Line>, String), Refusal> {
        let (mut lines, mut currency) = (Vec::new(), None);
        while lines.is_empty() || self.has(&format!("line_items[{}]", lines.len())) {
            let line = format!("line_items[{}]", lines.len());
            let of_line = self.currency(&format!("{line}[price_data][currency]"))?;
            if currency.get_or_insert_with(|| of_line.clone()) != &of_line {
                return Err(Refusal::parameter(400, None, "line_items", "All prices on a Session must have the same currency."));
            }
            lines.push(Line {
                name: self.must(&format!("{line}[price_data][product_data][name]"))?,
                quantity: self.must_number(&format!("{line}[quantity]"), 1)?,
                unit_amount: self.must_number(&format!("{line}[price_data][unit_amount]"), 0)?,
            });
        }
        Ok((lines, currency.unwrap_or_default()))
    }

    /// A currency, in capitals.
    pub(super) fn currency(&mut self, name: &str) -> Result<String, Refusal> {
        let code = self.must(name)?;
        if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(Refusal::parameter(400, None, name, format!("Invalid currency: {code}.")));
        }
        Ok(code.to_ascii_uppercase())
    }

    /// Nothing may be left.
    pub(super) fn finish(self) -> Result<(), Refusal> {
        let Some((name, _)) = self.0.first() else { return Ok(()) };
        let message = format!("Received unknown parameter: {name}");
        Err(Refusal::parameter(400, Some("parameter_unknown"), name, message))
    }

    fn has(&self, start: &str) -> bool {
        self.0.iter().any(|(given, _)| given.starts_with(start))
    }
}
