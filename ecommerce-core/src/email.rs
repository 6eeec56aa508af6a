//! E-mail addresses.

use crate::{Invalid, text};

text::checked_text! {
    /// An e-mail address: ASCII, one `@`, a domain with a dot, at most 254 characters (RFC 5321 section 4.5.3.1).
    ///
    /// ```
    /// use ecommerce_core::Email;
    /// assert!("Ann@Example.com".parse::<Email>().is_ok());
    /// assert!("ann@localhost".parse::<Email>().is_err());
    /// ```
    Email = parse_email;
}

impl Email {
    /// The form under which an address is unique: upper and lower case are one.
    pub(crate) fn key(&self) -> String {
        self.as_str().to_ascii_lowercase()
    }
}

fn parse_email(text: &str) -> Result<String, Invalid> {
    let options = email_address::Options::default().with_required_tld().without_display_text().without_domain_literal();
    let plain = text.len() <= 254 && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    // The crate lets a host's name have what only a mailbox's may (RFC 5321, section 4.1.2).
    let is_host = |host: &str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    let plain = plain && text.rsplit_once('@').is_some_and(|(_, host)| is_host(host));
    match email_address::EmailAddress::parse_with_options(text, options) {
        Ok(_) if plain => Ok(text.to_owned()),
        _ => Err(Invalid::new("must be an e-mail address such as ann@example.com")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_people_have() {
        for text in ["ann@example.com", "a.b+shop@sub.example.co.uk", "Ann_O'Neil@example.io"] {
            assert!(text.parse::<Email>().is_ok(), "{text} was refused");
        }
        assert_eq!("Ann@Example.com".parse::<Email>().unwrap().key(), "ann@example.com");
    }

    #[test]
    fn addresses_that_nobody_has() {
        let long = format!("{}@example.com", "x".repeat(250));
        for text in [
            "",
            "ann",
            "ann@",
            "@example.com",
            "a@b",
            "a b@c.com",
            "a@b..com",
            "a@b.com\r\nBcc: x@y.z",
            "a@b.com\0",
            "ä@b.com",
            "Ann <a@b.com>",
            "a@[127.0.0.1]",
            "a@b_c.com",
            "a@b`c.com",
            "\"a b\"@c.com",
            "a@@b.com",
            &long,
        ] {
            assert!(text.parse::<Email>().is_err(), "{text:?} was taken");
        }
    }
}
