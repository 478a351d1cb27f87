//! The `impl` block: its head as a model, its items as the tokens that the user wrote.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Generics, Path, Token, Type, WhereClause, parse_quote};

use crate::policy::Owner;

/// `impl Stock for Shop { .. }`
pub(super) struct Block {
    attrs: Vec<Attribute>,
    safety: Option<Token![unsafe]>,
    pub(super) generics: Generics,
    of: Option<(Path, Token![for])>,
    pub(super) ty: Type,
    bounds: Option<WhereClause>,
    inner: Vec<Attribute>,
    pub(super) items: Vec<Item>,
    braces: Group,
}

/// One item of the block.
pub(super) struct Item {
    pub(super) attrs: Vec<Attribute>,
    /// Everything behind the attributes.
    pub(super) rest: Vec<TokenTree>,
}

impl Parse for Block {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = Attribute::parse_outer(input)?;
        let safety = input.parse()?;
        input.parse::<Token![impl]>()?;
        let generics = input.parse()?;
        let first: Type = input.parse()?;
        let (of, ty) = match input.parse::<Option<Token![for]>>()? {
            Some(word) => (Some((syn::parse2(quote!(#first))?, word)), input.parse()?),
            None => (None, first),
        };
        let bounds = input.parse()?;
        let braces: Group = input.parse()?;
        if braces.delimiter() != Delimiter::Brace {
            return Err(syn::Error::new(braces.span(), "expected `{`"));
        }
        let (inner, items) = syn::parse::Parser::parse2(parse_items, braces.stream())?;
        Ok(Self {
            attrs,
            safety,
            generics,
            of,
            ty,
            bounds,
            inner,
            items,
            braces,
        })
    }
}

fn parse_items(input: ParseStream<'_>) -> syn::Result<(Vec<Attribute>, Vec<Item>)> {
    let inner = Attribute::parse_inner(input)?;
    let mut items = Vec::new();
    while !input.is_empty() {
        let attrs = Attribute::parse_outer(input)?;
        let mut rest = Vec::new();
        while !input.is_empty() {
            let token: TokenTree = input.parse()?;
            // An item ends with its body, or with a semicolon.
            let is_last = match &token {
                TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                TokenTree::Punct(punct) => punct.as_char() == ';',
                _ => false,
            };
            rest.push(token);
            if is_last {
                break;
            }
        }
        items.push(Item { attrs, rest });
    }
    Ok((inner, items))
}

impl Block {
    /// The type, as the methods are told.
    pub(super) fn owner(&self) -> Owner {
        Owner {
            ty: self.ty.clone(),
            of: self.of.as_ref().map(|(path, _)| path.clone()),
        }
    }
}

/// No type: what stands in a block that is wrong is left as it is, without further complaints.
pub(super) fn refused() -> Owner {
    Owner {
        ty: parse_quote!(_),
        of: None,
    }
}

/// Whether there is a lifetime in the type: `Shop<'_>`.
pub(super) fn borrows(ty: &Type) -> bool {
    fn any_lifetime(tokens: TokenStream) -> bool {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            let found = match token {
                TokenTree::Punct(punct) if punct.as_char() == '\'' => {
                    !matches!(tokens.peek(), Some(TokenTree::Ident(name)) if name == "static")
                }
                TokenTree::Group(group) => any_lifetime(group.stream()),
                _ => false,
            };
            if found {
                return true;
            }
        }
        false
    }
    any_lifetime(ty.to_token_stream())
}

impl ToTokens for Block {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self {
            attrs,
            safety,
            generics,
            of,
            ty,
            bounds,
            inner,
            items,
            braces,
        } = self;
        let of = of.iter().map(|(path, word)| quote!(#path #word));
        let items = items
            .iter()
            .map(|Item { attrs, rest }| quote!(#(#attrs)* #(#rest)*));
        let mut body = Group::new(Delimiter::Brace, quote!(#(#inner)* #(#items)*));
        body.set_span(braces.span());
        tokens.extend(quote!(#(#attrs)* #safety impl #generics #(#of)* #ty #bounds #body));
    }
}
