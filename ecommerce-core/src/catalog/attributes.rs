//! What a product is like, by name: its color, its size, its brand.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

use super::search::key;
use crate::{Invalid, text::line};

/// The attributes of a product: at most [`Attributes::MOST`], each a name with one value, in the order of their names.
///
/// A name has 1 to 40 characters and no `=`, a value 1 to 200, both on one line. Names that differ only in capitals are one.
/// As text, each stands on a line of its own:
///
/// ```
/// use ecommerce_core::Attributes;
/// let attributes: Attributes = "size=M\nColor=dark red".parse()?;
/// assert_eq!(attributes.get("COLOR"), Some("dark red"));
/// assert_eq!(attributes.to_string(), "Color=dark red\nsize=M");
///
/// let twice = Attributes::new([("color", "red"), ("Color", "blue")]);
/// assert_eq!(twice.unwrap_err().to_string(), "must not name \"Color\" twice");
/// # Ok::<(), ecommerce_core::Invalid>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Attributes(Vec<Attribute>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Attribute {
    name_key: String,
    name: String,
    value: String,
}

impl Attributes {
    /// The most attributes of one product.
    pub const MOST: usize = 30;

    /// These names with their values, in any order.
    ///
    /// # Errors
    /// When there are too many, one of them is refused, or a name comes twice.
    pub fn new<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Result<Self, Invalid> {
        let mut attributes = Vec::new();
        for (name, value) in pairs {
            if attributes.len() == Self::MOST {
                return Err(Invalid::new(format!("must be at most {}", Self::MOST)));
            }
            attributes.push(Attribute::new(name.as_ref(), value.as_ref())?);
        }
        attributes.sort_by(|a, b| a.name_key.cmp(&b.name_key));
        let mut neighbors = attributes.iter().zip(attributes.iter().skip(1));
        match neighbors.find(|(one, next)| one.name_key == next.name_key) {
            Some((_, again)) => Err(Invalid::new(format!("must not name \"{}\" twice", again.name))),
            None => Ok(Self(attributes)),
        }
    }

    /// The value under a name, in any capitals.
    pub fn get(&self, name: &str) -> Option<&str> {
        let name_key = key(name.trim());
        self.0.iter().find(|attribute| attribute.name_key == name_key).map(|attribute| attribute.value.as_str())
    }

    /// Each name with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|attribute| (attribute.name.as_str(), attribute.value.as_str()))
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Is there none?
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Attribute {
    fn new(name: &str, value: &str) -> Result<Self, Invalid> {
        let name = line(name, 1, 40).map_err(|reason| Invalid::new(format!("a name {reason}")))?;
        if name.contains('=') {
            return Err(Invalid::new(format!("the name \"{name}\" must not contain =")));
        }
        let value = line(value, 1, 200).map_err(|reason| Invalid::new(format!("the value of \"{name}\" {reason}")))?;
        Ok(Self { name_key: key(&name), name, value })
    }
}

/// Lines of `name=value`; those without anything in them are left out.
impl FromStr for Attributes {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let mut pairs = Vec::new();
        for line in text.split('\n').filter(|line| !line.trim().is_empty()) {
            pairs.push(line.split_once('=').ok_or_else(|| Invalid::new("must be name=value, a line for each"))?);
        }
        Self::new(pairs)
    }
}

impl fmt::Display for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.iter().enumerate() {
            let line_break = if index == 0 { "" } else { "\n" };
            write!(f, "{line_break}{name}={value}")?;
        }
        Ok(())
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Attributes {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        let text = |most| {
            let text = utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::Type::String);
            text.min_length(Some(1)).max_length(Some(most))
        };
        utoipa::openapi::ObjectBuilder::new()
            .property_names(Some(text(40).pattern(Some("^[^=]+$"))))
            .additional_properties(Some(text(200)))
            .max_properties(Some(Self::MOST))
            .examples([serde_json::json!({ "color": "red", "size": "M" })])
            .description(Some("What a product is like, by name. Names that differ only in capitals are one."))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Attributes {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(pairs: &[(&str, &str)]) -> String {
        Attributes::new(pairs.iter().copied()).unwrap_err().to_string()
    }

    #[test]
    fn they_stand_in_one_order_as_they_were_written() {
        let attributes = Attributes::new([("Size", " M "), (" brand", "ACME"), ("Größe", "8½")]).unwrap();
        assert_eq!(attributes.iter().collect::<Vec<_>>(), [("brand", "ACME"), ("Größe", "8½"), ("Size", "M")]);
        assert_eq!(serde_json::to_string(&attributes).unwrap(), r#"{"brand":"ACME","Größe":"8½","Size":"M"}"#);
        assert_eq!(attributes.get(" GRÖSSE "), None);
        assert_eq!(attributes.get(" GRÖßE "), Some("8½"));
        assert!(Attributes::new([("a", "b")]).unwrap() != Attributes::new([("A", "b")]).unwrap(), "a reader sees the difference");
    }

    #[test]
    fn what_is_refused_is_told_by_its_name() {
        assert_eq!(refused(&[("", "red")]), "a name must not be blank");
        assert_eq!(refused(&[("\u{200b}", "red")]), "a name must not be blank");
        assert_eq!(refused(&[(&"x".repeat(41), "red")]), "a name must have 1 to 40 characters, not 41");
        assert_eq!(refused(&[("col\tor", "red")]), "a name must not contain control characters");
        assert_eq!(refused(&[("a=b", "red")]), "the name \"a=b\" must not contain =");
        assert_eq!(refused(&[("color", " ")]), "the value of \"color\" must not be blank");
        assert_eq!(refused(&[("color", &"x".repeat(201))]), "the value of \"color\" must have 1 to 200 characters, not 201");
        assert_eq!(refused(&[("color", "dark\nred")]), "the value of \"color\" must not contain control characters");
        assert_eq!(refused(&[("Café", "red"), ("CAFE\u{301}", "red")]), "must not name \"CAFE\u{301}\" twice");
        assert_eq!("color".parse::<Attributes>().unwrap_err().to_string(), "must be name=value, a line for each");
    }

    #[test]
    fn there_are_at_most_thirty() {
        let numbered = |count: usize| Attributes::new((0..count).map(|number| (number.to_string(), "x")));
        assert_eq!(numbered(30).unwrap().len(), 30);
        assert_eq!(numbered(31).unwrap_err().to_string(), "must be at most 30");
        assert!(numbered(usize::MAX).is_err(), "nobody reads on to the end");
    }

    proptest! {
        #[test]
        fn text_is_read_back_as_it_was(pairs in prop::collection::vec((".{1,45}", ".{1,45}"), 0..5)) {
            if let Ok(attributes) = Attributes::new(pairs) {
                prop_assert_eq!(attributes.to_string().parse::<Attributes>(), Ok(attributes));
            }
        }
    }
}
