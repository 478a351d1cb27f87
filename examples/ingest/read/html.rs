//! HTML.

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};

use super::Found;

/// Elements whose content nobody reads.
const UNSEEN: [&[u8]; 4] = [b"script", b"style", b"template", b"noscript"];

/// Elements that stand inside a line of text.
const INLINE: [&[u8]; 16] = [
    b"a", b"abbr", b"b", b"cite", b"code", b"em", b"i", b"kbd", b"mark", b"q", b"s", b"small",
    b"span", b"strong", b"sub", b"sup",
];

/// `<title>` is the title, `href` and `src` are links, and scripts and styles are not text.
pub(super) fn read(text: &str) -> Found {
    let mut found = Found::default();
    let mut unseen: Option<Vec<u8>> = None;
    let mut in_title = false;
    let mut emitter = DefaultEmitter::default();
    // `</p>` in the middle of a script is not a tag.
    emitter.naively_switch_states(true);
    for token in Tokenizer::new_with_emitter(text, emitter) {
        let Ok(token) = token;
        match (token, &unseen) {
            (Token::EndTag(tag), Some(open)) if **tag.name == **open => unseen = None,
            (_, Some(_)) => {}
            (Token::StartTag(tag), None) => {
                in_title = **tag.name == *b"title" && found.title.is_none();
                if UNSEEN.contains(&&**tag.name) && !tag.self_closing {
                    unseen = Some(tag.name.to_vec());
                }
                separate(&mut found.text, &tag.name);
                found.links.extend(link(&tag));
            }
            (Token::EndTag(tag), None) => {
                in_title &= **tag.name != *b"title";
                separate(&mut found.text, &tag.name);
            }
            (Token::String(words), None) => {
                let words = String::from_utf8_lossy(&words);
                if in_title {
                    found.title.get_or_insert_default().push_str(words.trim());
                }
                found.text.push_str(&words);
            }
            _ => {}
        }
    }
    found
}

/// A block ends the line.
fn separate(text: &mut String, tag: &[u8]) {
    if !INLINE.contains(&tag) && !text.ends_with('\n') && !text.is_empty() {
        text.push('\n');
    }
}

fn link(tag: &StartTag<()>) -> Option<String> {
    let attribute = match &**tag.name {
        b"a" | b"link" | b"area" => &b"href"[..],
        b"img" | b"iframe" | b"frame" => b"src",
        _ => return None,
    };
    let target = tag.attributes.get(attribute)?;
    Some(String::from_utf8_lossy(target).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn title_text_and_links() {
        let found = read(
            "<!doctype html><title>Tea &amp; more</title><style>p { color: red }</style>\
             <p>One <b>t</b>wo<p>three<script>if (a </p> b) '<a href=no>'</script>\
             <a href='b.html?x#y'>four</a>",
        );
        assert_eq!(found.title.as_deref(), Some("Tea & more"));
        let words: Vec<_> = found.text.split_whitespace().collect();
        assert_eq!(words, ["Tea", "&", "more", "One", "two", "three", "four"]);
        assert_eq!(found.links, ["b.html?x#y"]);
    }
}
