//! A product's description, out of the HTML that Shopify keeps it in.

/// As many characters as a description may have.
const MAX_CHARACTERS: usize = 10_000;

/// The text that a browser would show, with its paragraphs and without what no description may hold.
/// Where it is too long it is cut at a word, which an ellipsis shows.
pub(super) fn to_text(html: &str) -> String {
    let text = nanohtml2text::html2text(html);
    let mut tidy = String::with_capacity(text.len());
    for line in text.lines() {
        let line = line.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
        let line = line.collect::<Vec<_>>().join(" ");
        // One empty line between paragraphs, none at the beginning.
        if !line.is_empty() || !(tidy.is_empty() || tidy.ends_with("\n\n")) {
            tidy.push_str(&line);
            tidy.push('\n');
        }
    }
    shorten(tidy.trim_end())
}

fn shorten(text: &str) -> String {
    let Some((end, _)) = text.char_indices().nth(MAX_CHARACTERS) else { return text.to_owned() };
    // The last word and a space make room for the ellipsis, also where one word fills it all.
    let kept: String = text.get(..end).unwrap_or(text).chars().take(MAX_CHARACTERS - 1).collect();
    let kept = kept.rsplit_once(char::is_whitespace).map_or(kept.as_str(), |(kept, _)| kept.trim_end());
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_becomes_what_a_browser_shows() {
        for (html, text) in [
            ("", ""),
            ("<p></p>\n<p>&nbsp;</p>", ""),
            ("just text", "just text"),
            ("<p>Fish &amp; chips for 5&nbsp;&euro;</p>", "Fish & chips for 5 €"),
            ("<p>One</p>\n<p>two<br>three</p>", "One\n\ntwo\nthree"),
            ("<ul>\r\n<li>Red</li>\r\n<li>Blue</li>\r\n</ul>", "Red\nBlue"),
            ("a<script>alert('x')</script>b<style>p { color: red }</style>c<!-- no -->", "abc"),
            ("<p>one</p><p></p><p> </p><p></p><p>two</p>", "one\n\ntwo"),
            ("5 < 6", "5 < 6"),
            ("a\u{0}b\tc\u{7}", "a b c"),
        ] {
            assert_eq!(to_text(html), text, "{html:?}");
        }
    }

    #[test]
    fn what_is_too_long_is_cut_at_a_word() {
        let long = to_text(&"word ".repeat(5_000));
        assert!(long.ends_with("word…") && long.chars().count() <= MAX_CHARACTERS, "{}", long.chars().count());
        assert_eq!(to_text(&"é".repeat(20_000)).chars().count(), MAX_CHARACTERS);
        assert_eq!(to_text(&"é".repeat(10_000)).chars().count(), MAX_CHARACTERS);
    }

    #[test]
    fn broken_html_is_taken_as_well_as_it_goes() {
        for html in ["<", "<a", "<a href=\"x", "&#x110000;", "<script>", "<pre><b>", "</", "<!--", "&", "<p <p <p"] {
            assert!(to_text(html).len() <= html.len(), "{html:?}");
        }
    }
}
