//! The annotated function: its signature as a model, its body as the tokens that the user wrote.
//!
//! The body is never parsed: a half-typed one still expands, and errors inside it are the ones
//! that the user would see without the attribute.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::{
    Attribute, FnArg, Ident, Pat, ReceiverKind, ReturnType, Signature, Token, Type, TypeParamBound,
    Visibility,
};

use crate::diagnostics::Diagnostics;

/// What stands below the attribute.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) defaultness: Option<Token![default]>,
    pub(crate) sig: Signature,
    pub(crate) body: Body,
}

/// What stands behind the signature.
pub(crate) enum Body {
    /// Nothing: a trait method without a body.
    Missing(Token![;]),
    /// `{ .. }` of an `async fn`, or of a function that is not async.
    Block(Group),
    /// `{ Box::pin(async move { .. }) }`, which is what `#[async_trait]` makes of an `async fn`.
    Boxed {
        /// `Box::pin`
        constructor: TokenStream,
        /// `{ .. }` of the async block.
        block: Group,
    },
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = Attribute::parse_outer(input)?;
        let vis = input.parse()?;
        let defaultness = if input.peek(Token![default]) {
            Some(input.parse()?)
        } else {
            None
        };
        let sig: Signature = input.parse()?;
        let body = if input.peek(Token![;]) {
            Body::Missing(input.parse()?)
        } else {
            let block = ungrouped(input)?;
            match (sig.asyncness, boxed(&block)) {
                (None, Some((constructor, block))) => Body::Boxed { constructor, block },
                _ => Body::Block(block),
            }
        };
        Ok(Self {
            attrs,
            vis,
            defaultness,
            sig,
            body,
        })
    }
}

/// `{ .. }`, also where it comes out of a `$body:block` of `macro_rules!`, which wraps it into a group
/// without delimiters.
fn ungrouped(input: ParseStream<'_>) -> syn::Result<Group> {
    let ahead = input.fork();
    if let Ok(TokenTree::Group(wrapper)) = ahead.parse::<TokenTree>()
        && wrapper.delimiter() == Delimiter::None
        && let Some(TokenTree::Group(block)) = wrapper.stream().into_iter().next()
    {
        input.parse::<TokenTree>()?;
        return Ok(block);
    }
    input.parse()
}

/// Recognises a body that is nothing but `Box::pin(async move { .. })`.
fn boxed(block: &Group) -> Option<(TokenStream, Group)> {
    let mut tokens: Vec<_> = block.stream().into_iter().collect();
    let Some(TokenTree::Group(arguments)) = tokens.pop() else {
        return None;
    };
    let is_pin = matches!(tokens.last(), Some(TokenTree::Ident(name)) if *name == "pin");
    if !is_pin || arguments.delimiter() != Delimiter::Parenthesis {
        return None;
    }
    let argument: Vec<_> = arguments.stream().into_iter().collect();
    match argument.as_slice() {
        [
            TokenTree::Ident(a),
            TokenTree::Ident(m),
            TokenTree::Group(block),
        ] if *a == "async" && *m == "move" => Some((tokens.into_iter().collect(), block.clone())),
        _ => None,
    }
}

/// A parameter, and what has to be done to pass it to each attempt.
pub(crate) struct Parameter {
    /// The pattern, as written.
    pub(crate) pat: Pat,
    pub(crate) ty: Type,
    /// `#[state]`: the runtime supplies it when it makes the call itself.
    pub(crate) state: bool,
    /// The connection of a transaction that a policy shares with the body.
    pub(crate) connection: bool,
    /// `cfg` attributes, which every statement about the parameter repeats.
    pub(crate) cfgs: Vec<Attribute>,
    /// The variables that the pattern binds.
    pub(crate) bindings: Vec<Binding>,
}

/// A variable that a parameter binds.
#[derive(Clone)]
pub(crate) struct Binding {
    pub(crate) ident: Ident,
    pub(crate) mutable: bool,
}

/// How a parameter reaches each attempt of a retried body.
#[derive(PartialEq, Eq, Clone, Copy)]
pub(crate) enum Passing {
    /// `&T`, or a plain number: every attempt sees the same one.
    Shared,
    /// `&mut T`: borrowed again by every attempt.
    Reborrowed,
    /// Anything else: copied for every attempt but the last.
    Replayed,
}

impl Parameter {
    /// The type, out of the group of a `$fragment`.
    fn plain_type(&self) -> &Type {
        ungrouped_type(&self.ty)
    }

    /// The only variable, where the pattern is a plain name.
    pub(crate) fn name(&self) -> Option<&Ident> {
        match &self.pat {
            Pat::Ident(pat) if pat.subpat.is_none() => Some(&pat.ident),
            _ => None,
        }
    }

    pub(crate) fn passing(&self) -> Passing {
        match self.plain_type() {
            Type::Reference(reference) if reference.mutability.is_some() => Passing::Reborrowed,
            Type::Reference(_) => Passing::Shared,
            Type::Path(path)
                if path.path.get_ident().is_some_and(is_plain_number)
                    && self.bindings.iter().all(|binding| !binding.mutable) =>
            {
                Passing::Shared
            }
            _ => Passing::Replayed,
        }
    }

    /// `T` of a parameter `&T`, and `T` of one that is passed by value.
    pub(crate) fn owned_type(&self) -> &Type {
        match self.plain_type() {
            Type::Reference(reference) => &reference.elem,
            ty => ty,
        }
    }

    pub(crate) fn is_reference(&self) -> bool {
        matches!(self.plain_type(), Type::Reference(_))
    }
}

/// The type that was meant: what comes through a `$t:ty` of `macro_rules!` is in a group without
/// delimiters.
pub(crate) fn ungrouped_type(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => ungrouped_type(&group.elem),
        Type::Paren(paren) => ungrouped_type(&paren.elem),
        ty => ty,
    }
}

/// `Transaction` of `sqlx::Transaction<'_, Sqlite>`.
pub(crate) fn last_segment(ty: &Type) -> Option<&Ident> {
    match ungrouped_type(ty) {
        Type::Path(path) => Some(&path.path.segments.last()?.ident),
        _ => None,
    }
}

fn is_plain_number(ident: &Ident) -> bool {
    const PLAIN: [&str; 16] = [
        "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16",
        "u32", "u64", "u128", "usize",
    ];
    PLAIN.iter().any(|name| ident == name)
}

impl Function {
    /// The parameters without the receiver. `#[state]` is taken off the signature.
    pub(crate) fn take_parameters(&mut self, diagnostics: &Diagnostics) -> Vec<Parameter> {
        let mut parameters = Vec::new();
        for input in &mut self.sig.inputs {
            let typed = match input {
                FnArg::Typed(typed) => typed,
                FnArg::Receiver(receiver) => {
                    if let Some(state) = take_state(&mut receiver.attrs, diagnostics) {
                        diagnostics.error(
                            state,
                            "`self` is never written down, and needs no `#[state]`\nremove it",
                        );
                    }
                    continue;
                }
            };
            let state = take_state(&mut typed.attrs, diagnostics).is_some();
            let mut bindings = Vec::new();
            collect_bindings(&typed.pat, &mut bindings);
            parameters.push(Parameter {
                pat: (*typed.pat).clone(),
                ty: (*typed.ty).clone(),
                state,
                connection: false,
                cfgs: typed
                    .attrs
                    .iter()
                    .filter(|attr| attr.path().is_ident("cfg"))
                    .cloned()
                    .collect(),
                bindings,
            });
        }
        parameters
    }

    /// Whether the function is async, in one of the two forms.
    pub(crate) fn is_async(&self) -> bool {
        self.sig.asyncness.is_some() || matches!(self.body, Body::Boxed { .. })
    }

    /// What the future answers with: the return type, seen through `Pin<Box<dyn Future<Output =
    /// T>>>` in the boxed form.
    pub(crate) fn return_type(&self) -> Option<&Type> {
        let ReturnType::Type(_, ty) = &self.sig.output else {
            return None;
        };
        match self.body {
            Body::Boxed { .. } => boxed_output(ty),
            _ => Some(ty),
        }
    }

    /// Whether the receiver is `&mut self`, which an attempt must borrow anew.
    pub(crate) fn receiver_is_mut(&self) -> bool {
        self.sig.receiver().is_some_and(|receiver| {
            matches!(&receiver.kind, ReceiverKind::Reference(_, _, Some(_)))
                || matches!(&receiver.kind, ReceiverKind::Typed(_, ty)
                    if matches!(ungrouped_type(ty), Type::Reference(reference) if reference.mutability.is_some()))
        })
    }

    /// Everything in front of the body.
    pub(crate) fn head(&self) -> TokenStream {
        let Self {
            attrs,
            vis,
            defaultness,
            sig,
            body: _,
        } = self;
        quote!(#(#attrs)* #vis #defaultness #sig)
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.head());
        match &self.body {
            Body::Missing(semicolon) => semicolon.to_tokens(tokens),
            Body::Block(block) => block.to_tokens(tokens),
            Body::Boxed { constructor, block } => {
                tokens.extend(quote!({ #constructor(async move #block) }));
            }
        }
    }
}

/// Takes `#[state]` from the attributes.
fn take_state(attrs: &mut Vec<Attribute>, diagnostics: &Diagnostics) -> Option<Attribute> {
    let index = attrs
        .iter()
        .position(|attr| attr.path().is_ident("state"))?;
    let state = attrs.remove(index);
    if !matches!(state.meta, syn::Meta::Path(_)) {
        diagnostics.error(&state, "`#[state]` takes no arguments\nwrite `#[state]`");
    }
    Some(state)
}

/// `T` of `Pin<Box<dyn Future<Output = T> + ..>>`.
fn boxed_output(ty: &Type) -> Option<&Type> {
    let Type::TraitObject(object) = only_argument(only_argument(ty, "Pin")?, "Box")? else {
        return None;
    };
    object.bounds.iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else {
            return None;
        };
        let future = bound
            .path
            .segments
            .last()
            .filter(|segment| segment.ident == "Future")?;
        let syn::PathArguments::AngleBracketed(arguments) = &future.arguments else {
            return None;
        };
        arguments.args.iter().find_map(|argument| match argument {
            syn::GenericArgument::AssocType(output) if output.ident == "Output" => Some(&output.ty),
            _ => None,
        })
    })
}

fn only_argument<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    let Type::Path(path) = ty else { return None };
    let segment = path
        .path
        .segments
        .last()
        .filter(|segment| segment.ident == name)?;
    let syn::PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        syn::GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

fn collect_bindings(pat: &Pat, bindings: &mut Vec<Binding>) {
    match pat {
        Pat::Ident(pat) => {
            bindings.push(Binding {
                ident: pat.ident.clone(),
                mutable: pat.mutability.is_some(),
            });
            if let Some((_, inner)) = &pat.subpat {
                collect_bindings(inner, bindings);
            }
        }
        Pat::Paren(pat) => collect_bindings(&pat.pat, bindings),
        Pat::Reference(pat) => collect_bindings(&pat.pat, bindings),
        Pat::Slice(pat) => pat
            .elems
            .iter()
            .for_each(|pat| collect_bindings(pat, bindings)),
        Pat::Struct(pat) => {
            pat.fields
                .iter()
                .for_each(|field| collect_bindings(&field.pat, bindings));
        }
        Pat::Tuple(pat) => pat
            .elems
            .iter()
            .for_each(|pat| collect_bindings(pat, bindings)),
        Pat::TupleStruct(pat) => pat
            .elems
            .iter()
            .for_each(|pat| collect_bindings(pat, bindings)),
        Pat::Type(pat) => collect_bindings(&pat.pat, bindings),
        _ => {}
    }
}

/// Takes `mut` off every variable of a pattern: a replayed parameter is moved into its replay, and
/// it is the copy of each attempt that the body changes.
pub(crate) fn strip_mut(pat: &mut Pat) {
    match pat {
        Pat::Ident(pat) => {
            pat.mutability = None;
            if let Some((_, inner)) = &mut pat.subpat {
                strip_mut(inner);
            }
        }
        Pat::Paren(pat) => strip_mut(&mut pat.pat),
        Pat::Slice(pat) => pat.elems.iter_mut().for_each(strip_mut),
        Pat::Struct(pat) => pat
            .fields
            .iter_mut()
            .for_each(|field| strip_mut(&mut field.pat)),
        Pat::Tuple(pat) => pat.elems.iter_mut().for_each(strip_mut),
        Pat::TupleStruct(pat) => pat.elems.iter_mut().for_each(strip_mut),
        _ => {}
    }
}
