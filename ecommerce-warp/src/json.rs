//! JSON at the door: its shape is read here, its values are judged by [`crate::faults::Faults`].

use std::{fmt, marker::PhantomData};

use ecommerce_core::{Attributes, Invalid, parse_decimal};
use rust_decimal::Decimal;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::value::RawValue;
use serde_path_to_error::{Path, Segment};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr, Type,
        schema::{Schema, SchemaType},
    },
};

use crate::{faults::Faults, problem::Problem};

/// The most levels of a body: no call needs more than three.
const MAX_DEPTH: usize = 100;

/// Reads one object.
pub(crate) fn object<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    read(body).map(|Object(value)| value)
}

/// Reads an object, or a list of them.
pub(crate) fn one_or_many<T: DeserializeOwned>(body: &[u8]) -> Result<Vec<T>, Problem> {
    let OneOrMany(objects) = read(body)?;
    Ok(objects.into_iter().map(|Object(value)| value).collect())
}

/// Reads a field that may be left out but, once there, has a value: `null` is refused unless `T` takes it.
pub(crate) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// An amount of money as it was written: a decimal string, or a number that is read digit by digit and never as a float.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Amount(Box<RawValue>);

impl Amount {
    /// The amount as a plain number.
    pub(crate) fn decimal(&self) -> Result<Decimal, Invalid> {
        Ok(parse_decimal(&self.text()?)?)
    }

    fn text(&self) -> Result<String, Invalid> {
        let raw = self.0.get();
        if raw.starts_with(|first: char| first.is_ascii_digit() || first == '-') {
            return Ok(raw.to_owned());
        }
        serde_json::from_str(raw).map_err(|_| Invalid::new("must be a decimal number such as \"12.50\""))
    }
}

/// An object with a text under each name, as it was written: a name that is given twice is there twice.
#[derive(Debug)]
pub(crate) struct Texts(Vec<(String, String)>);

impl Texts {
    /// All of them as attributes.
    pub(crate) fn attributes(self) -> Result<Attributes, Invalid> {
        Attributes::new(self.0)
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Shape::<Self>(PhantomData))
    }
}

impl<'de> Visitor<'de> for Shape<Texts> {
    type Value = Texts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = map.next_entry()? {
            texts.push(text);
        }
        Ok(Texts(texts))
    }
}

impl PartialSchema for Amount {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::Array(vec![Type::String, Type::Number]))
            .pattern(Some(r"^\d+(\.\d+)?$"))
            .examples(["19.99"])
            .description(Some(
                "A decimal with at most the currency's own number of digits. A number must be written the same way.",
            ))
            .into()
    }
}

impl ToSchema for Amount {}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(body).map_err(|_| not_json("it is not UTF-8"))?;
    let mut json = serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize(&mut json) {
        Ok(value) => json.end().map(|()| value).map_err(|_| not_json("something follows its end")),
        Err(error) => Err(refusal(text, error.path(), error.inner())),
    }
}

/// What does not fit is 400 where it is no JSON at all, else 422 on its field.
fn refusal(text: &str, path: &Path, error: &serde_json::Error) -> Problem {
    if depth(text) > MAX_DEPTH {
        return not_json("it has too many levels");
    }
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        return not_json(&format!("see line {}, column {}", error.line(), error.column()));
    }
    let mut faults = Faults::default();
    let words = error.to_string();
    let (field, reason) = fault(&words);
    faults.note(&field_name(path, field), reason);
    faults.into()
}

fn not_json(reason: &str) -> Problem {
    Problem::unreadable("invalid_json", format!("the body is not JSON: {reason}"))
}

/// serde's words in ours, and the field where the path does not name it.
fn fault(words: &str) -> (Option<&str>, &'static str) {
    let quoted = words.split('`').nth(1);
    if words.starts_with("missing field") {
        (quoted, "is required")
    } else if words.starts_with("duplicate field") {
        (quoted, "is given twice")
    } else if words.starts_with("unknown field") {
        (None, "is not a field of this call")
    } else {
        (None, expected(words))
    }
}

fn expected(words: &str) -> &'static str {
    if words.starts_with("number out of range") {
        return "must be a whole number that is not too large";
    }
    let wanted = words.split_once(", expected ").map_or("", |(_, wanted)| wanted.split(" at line").next().unwrap_or(wanted));
    match wanted {
        "a string" => "must be text",
        "a boolean" => "must be true or false",
        "an object" => "must be an object",
        "an object or a list of objects" => "must be an object or a list of objects",
        "i64" => "must be a whole number that is not too large",
        // An escape such as \ud800 is JSON, but half a character.
        "" => "must be Unicode text",
        _ => "has the wrong type",
    }
}

/// `0.quantity`, and `body` for the whole.
fn field_name(path: &Path, field: Option<&str>) -> String {
    let steps = path.iter().filter_map(|segment| match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    let name = steps.chain(field.map(ToOwned::to_owned)).collect::<Vec<_>>().join(".");
    if name.is_empty() { "body".to_owned() } else { name }
}

/// How deep the brackets go that are not in text.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// A JSON object: what serde derives for a struct would take a list of its fields as well.
struct Object<T>(T);

/// One object, or a list of objects.
struct OneOrMany<T>(Vec<Object<T>>);

struct Shape<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Shape::<Self>(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Shape::<Self>(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Shape<Object<T>> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Shape<OneOrMany<T>> {
    type Value = OneOrMany<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OneOrMany<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|value| OneOrMany(vec![Object(value)]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<OneOrMany<T>, A::Error> {
        let mut objects = Vec::new();
        while let Some(object) = seq.next_element()? {
            objects.push(object);
        }
        Ok(OneOrMany(objects))
    }
}
