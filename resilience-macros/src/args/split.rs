//! A list of options, split at its commas.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// What stands between two commas, and the one behind it.
pub(super) struct Part {
    pub(super) tokens: Vec<TokenTree>,
    pub(super) comma: Option<TokenTree>,
}

/// Splits at the commas that stand between options: not inside brackets, a turbofish or the
/// parameters of a closure.
pub(super) fn split_at_commas(tokens: TokenStream) -> Vec<Part> {
    let (mut parts, mut part) = (Vec::new(), Vec::new());
    let mut angles = 0_u32;
    let mut in_closure = false;
    for token in tokens.into_iter().map(bare) {
        if let TokenTree::Punct(punct) = &token {
            match punct.as_char() {
                '<' if angles > 0 || ends_with_colons(&part) => angles += 1,
                '>' if angles > 0 => angles -= 1,
                '|' if in_closure => in_closure = false,
                '|' if starts_closure(&part) => in_closure = true,
                ',' if angles == 0 && !in_closure => {
                    let tokens = std::mem::take(&mut part);
                    let comma = Some(token);
                    parts.push(Part { tokens, comma });
                    continue;
                }
                _ => {}
            }
        }
        part.push(token);
    }
    parts.push(Part {
        tokens: part,
        comma: None,
    });
    parts
}

/// A literal or name that came through a `$fragment` of `macro_rules!`, out of the group without
/// delimiters that it is wrapped into.
fn bare(token: TokenTree) -> TokenTree {
    if let TokenTree::Group(group) = &token
        && group.delimiter() == Delimiter::None
    {
        let mut inside = group.stream().into_iter();
        if let (Some(only), None) = (inside.next(), inside.next()) {
            return bare(only);
        }
    }
    token
}

fn ends_with_colons(part: &[TokenTree]) -> bool {
    matches!(part, [.., TokenTree::Punct(a), TokenTree::Punct(b)]
        if a.as_char() == ':' && b.as_char() == ':')
}

/// A `|` right behind `name =` opens a closure, unless the option is a pattern, where it would be
/// a leading `|`: patterns have no commas at their top level, so nothing is lost there.
fn starts_closure(part: &[TokenTree]) -> bool {
    matches!(part, [TokenTree::Ident(name), TokenTree::Punct(equals)]
        if equals.as_char() == '=' && name == "when")
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    fn parts(tokens: TokenStream) -> Vec<String> {
        split_at_commas(tokens)
            .into_iter()
            .map(|part| part.tokens.into_iter().collect::<TokenStream>().to_string())
            .filter(|part| !part.is_empty())
            .collect()
    }

    #[test]
    fn only_commas_between_options_split() {
        let tokens = quote! {
            a = f(1, 2), b = Vec::<(u8, u8)>::new(), when = |a, b| a < b, retry_on = A | B { .. },
        };
        assert_eq!(parts(tokens).len(), 4);
    }
}
