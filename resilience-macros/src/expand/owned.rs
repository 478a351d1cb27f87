//! What is said of `Self` in a method, as items in its body must say it: they know no `Self`.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::Path;

use crate::policy::Owner;

// Input:  Option<Self::Order>
// Output: Option<<Shop as Orders>::Order>
/// A type without `Self`. `Self::Order` is a type of the trait; a `Self` alone is the type itself.
pub(super) fn tokens(tokens: TokenStream, owner: &Owner) -> TokenStream {
    let mut changed = TokenStream::new();
    let mut rest = tokens.into_iter().peekable();
    while let Some(token) = rest.next() {
        match token {
            TokenTree::Ident(word) if word == "Self" => {
                let is_path =
                    matches!(rest.peek(), Some(TokenTree::Punct(colon)) if colon.as_char() == ':');
                let (ty, qualified) = (&owner.ty, owner.qualified());
                changed.extend(if is_path { qualified } else { quote!(#ty) });
            }
            TokenTree::Group(group) => {
                let mut inside = Group::new(group.delimiter(), self::tokens(group.stream(), owner));
                inside.set_span(group.span());
                changed.extend([TokenTree::Group(inside)]);
            }
            token => changed.extend([token]),
        }
    }
    changed
}

// Input:  Self::release
// Output: <Shop>::release
/// The path of a function without `Self`.
pub(super) fn path(path: &Path, owner: &Owner) -> TokenStream {
    let ty = &owner.ty;
    let mut segments = path.segments.iter();
    match segments.next() {
        Some(first) if first.ident == "Self" => {
            let span = first.ident.span();
            let of = quote_spanned!(span=> <#ty>);
            quote!(#of #(::#segments)*)
        }
        _ => path.to_token_stream(),
    }
}
