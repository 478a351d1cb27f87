//! Markdown.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::Found;

/// The first heading is the title; links and images are links.
pub(super) fn read(text: &str) -> Found {
    let mut found = Found::default();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES) {
        match event {
            Event::Start(Tag::Heading { .. }) if found.title.is_none() => {
                heading = Some(String::new());
            }
            Event::End(TagEnd::Heading(_)) => {
                found.title = found.title.or(heading.take());
                found.text.push('\n');
            }
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                found.links.push(dest_url.into_string());
            }
            Event::Text(words) | Event::Code(words) => {
                found.text.push_str(&words);
                if let Some(heading) = &mut heading {
                    heading.push_str(&words);
                }
            }
            Event::SoftBreak | Event::HardBreak => found.text.push('\n'),
            Event::End(TagEnd::TableCell) => found.text.push(' '),
            Event::End(
                TagEnd::Paragraph
                | TagEnd::Item
                | TagEnd::CodeBlock
                | TagEnd::TableRow
                | TagEnd::TableHead,
            ) => found.text.push('\n'),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn title_text_and_links() {
        let found = read("intro\n\n# The `guide`\n\nSee [this](a.md#x) and **that**.\n\n## Next\n");
        assert_eq!(found.title.as_deref(), Some("The guide"));
        assert_eq!(found.text, "intro\nThe guide\nSee this and that.\nNext\n");
        assert_eq!(found.links, ["a.md#x"]);
    }

    #[test]
    fn cells_of_a_table_stay_apart() {
        let found = read("| a | b |\n|---|---|\n| c | d |\n");
        assert_eq!(found.text.split_whitespace().count(), 4);
    }
}
