//! What the options and tags of a Shopify export say as attributes.

use ecommerce_core::{Attributes, Invalid};

/// What the tags are called that name nothing themselves.
const TAGS: &str = "tags";

/// The options of a variant, and of its product's tags what fits: shops use them more freely than options.
///
/// A tag such as `Material: wood` is an attribute, unless that is named already; all others stand together under `tags`.
pub(super) fn attributes(options: &[(String, String)], tags: &str) -> Result<Attributes, Invalid> {
    let mut attributes = Attributes::new(options.iter().map(|(name, value)| (name, value)))?;
    let mut plain = Vec::new();
    for tag in tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
        // An address is no attribute.
        let pair = tag.split_once(':').filter(|(_, value)| !value.starts_with("//"));
        let named = pair.and_then(|(name, value)| with(&attributes, name, value));
        match named {
            Some(more) => attributes = more,
            None => plain.push(tag),
        }
    }
    // As many as one value holds.
    let (mut tagged, mut together) = (attributes.clone(), String::new());
    for tag in plain {
        let longer = if together.is_empty() { tag.to_owned() } else { format!("{together}, {tag}") };
        if let Some(more) = with(&attributes, TAGS, &longer) {
            (tagged, together) = (more, longer);
        }
    }
    Ok(tagged)
}

/// The attributes and one more, where it fits.
fn with(attributes: &Attributes, name: &str, value: &str) -> Option<Attributes> {
    Attributes::new(attributes.iter().chain([(name, value)])).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(options: &[(&str, &str)], tags: &str) -> Result<String, String> {
        let options: Vec<_> = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        attributes(&options, tags).map(|attributes| attributes.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn options_and_tags_become_attributes() {
        assert_eq!(read(&[], ""), Ok(String::new()));
        assert_eq!(read(&[("Size", "M"), ("Color", "red")], "").unwrap(), "Color=red\nSize=M");
        assert_eq!(read(&[("Size", "M")], "Pot, plants ,,Material: wood").unwrap(), "Material=wood\nSize=M\ntags=Pot, plants");
    }

    #[test]
    fn tags_that_do_not_fit_give_way() {
        assert_eq!(read(&[("Size", "M")], "size:L, a=b:c, :x, y:").unwrap(), "Size=M\ntags=size:L, a=b:c, :x, y:");
        assert_eq!(read(&[], "https://example.com").unwrap(), "tags=https://example.com");
        let long = ["x".repeat(99), "z".repeat(200), "y".repeat(98)];
        assert_eq!(read(&[], &long.join(",")).unwrap(), format!("tags={}, {}", long[0], long[2]));
        let many: Vec<_> = (10..50).map(|number| format!("n{number}:{number}")).collect();
        let lines = read(&[("a", "b")], &many.join(",")).unwrap();
        assert!(lines.starts_with("a=b\nn10=10\n") && lines.ends_with("\nn38=38"), "{lines}");
    }

    #[test]
    fn a_bad_option_is_refused() {
        assert_eq!(read(&[("a=b", "c")], "").unwrap_err(), "the name \"a=b\" must not contain =");
        assert_eq!(read(&[("Size", "M"), ("size", "L")], "").unwrap_err(), "must not name \"size\" twice");
    }
}
