//! The attributes on one function, collected by the first one that expands.
//!
//! The compiler expands attributes from the top. The first one takes its siblings below with it
//! and emits one expansion for all; top means outermost. What it took stays in place, *disarmed* as
//! `#[timeout(__expanded)]`: were it deleted, the user's `use resilience::timeout` would be reported
//! as unused.
//!
//! A sibling inside `#[cfg_attr(..)]` cannot be judged yet. The first attribute then steps
//! back: it hands the item back with itself written as `#[resilience::__outer(..)]` below the last
//! such `cfg_attr`, and whichever attribute comes next, or `__outer` itself, goes on from there.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Attribute, Meta, Path, parse_quote};

use crate::allowed::Allowed;
use crate::args::Args;
use crate::diagnostics::Diagnostics;
use crate::paths::Paths;
use crate::policy::Kind;

/// The argument of an attribute whose work is done.
pub(crate) const EXPANDED: &str = "__expanded";

/// The attribute that carries the layers which stepped back.
pub(crate) const OUTER: &str = "__outer";

/// One attribute of the stack, not yet parsed.
#[derive(Clone)]
pub(crate) struct Layer {
    pub(crate) kind: Kind,
    /// The attribute's name, for its span.
    pub(crate) name: Ident,
    pub(crate) arguments: TokenStream,
}

impl Layer {
    /// The layer that the compiler is expanding right now.
    pub(crate) fn current(kind: Kind, arguments: TokenStream) -> Self {
        Self {
            kind,
            name: Ident::new(kind.name(), Span::call_site()),
            arguments,
        }
    }

    /// The options of the layer, without those that every attribute has: `crate = ..`, and
    /// `allow(..)`, whose rules are added to `allowed`.
    pub(crate) fn options(&self, allowed: &mut Allowed, diagnostics: &Diagnostics) -> Args {
        let mut args = Args::parse(
            format!("#[{}]", self.kind.name()),
            self.name.span(),
            self.arguments.clone(),
            diagnostics,
        );
        if let Some(value) = args.take("crate") {
            let remedy = "write where `resilience` is re-exported: `crate = ::corp::resilience`";
            let _path = value.parse_path(remedy, diagnostics);
        }
        while let Some(rules) = args.take_call("allow") {
            allowed.add(&rules, diagnostics);
        }
        if let Some(value) = args.take("allow").or_else(|| args.take_word("allow")) {
            diagnostics.error(
                value,
                "`allow` takes rules in brackets\nwrite `allow(rule)`",
            );
        }
        args
    }

    /// The path in `crate = ..`. It is needed before the options are parsed, to recognise siblings.
    pub(crate) fn renamed_crate(&self) -> Option<Path> {
        let mut tokens = self.arguments.clone().into_iter().peekable();
        while let Some(token) = tokens.next() {
            let is_crate = matches!(&token, TokenTree::Ident(ident) if ident == "crate");
            let is_option =
                matches!(tokens.peek(), Some(TokenTree::Punct(p)) if p.as_char() == '=');
            if is_crate && is_option {
                let path = tokens.skip(1).take_while(
                    |token| !matches!(token, TokenTree::Punct(p) if p.as_char() == ','),
                );
                return syn::parse2(path.collect()).ok();
            }
        }
        None
    }
}

impl ToTokens for Layer {
    // Output: retry(max_attempts = 3)
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self {
            kind: _,
            name,
            arguments,
        } = self;
        tokens.extend(quote!(#name(#arguments)));
    }
}

/// Whether the compiler is expanding an attribute that was taken by another one.
pub(crate) fn is_disarmed(arguments: &TokenStream) -> bool {
    arguments.to_string() == EXPANDED
}

/// The layers that `#[__outer(retry(..), timeout(..))]` carries, outermost first.
pub(crate) fn parse_outer(arguments: TokenStream) -> Vec<Layer> {
    let mut layers = Vec::new();
    let mut name = None;
    for token in arguments {
        match token {
            TokenTree::Ident(ident) => name = Some(ident),
            TokenTree::Group(group) => {
                let layer = name.take().and_then(|name| {
                    let kind = Kind::from_name(&name.to_string())?;
                    Some(Layer {
                        kind,
                        name,
                        arguments: group.stream(),
                    })
                });
                layers.extend(layer);
            }
            _ => {}
        }
    }
    layers
}

/// An attribute of somebody else between two of ours.
pub(crate) struct Separator {
    pub(crate) path: Path,
    pub(crate) above: Kind,
    pub(crate) below: Kind,
}

/// What became of the attributes of an item.
pub(crate) enum Collected {
    /// All layers, outermost first, and what stands between them. The attributes are disarmed.
    Complete(Vec<Layer>, Vec<Separator>),
    /// A layer may still hide in a `cfg_attr`. The attributes carry everything known.
    Deferred,
}

/// Collects the stack that begins with `first` (the layer that is expanded now, or those that
/// stepped back before it), and changes `attrs` to what must stay.
pub(crate) fn collect(
    mut first: Vec<Layer>,
    attrs: &mut Vec<Attribute>,
    paths: &Paths,
    diagnostics: &Diagnostics,
) -> Collected {
    // Those that stepped back stand outside the one that is expanded now.
    let mut layers = take_outer(attrs, paths);
    let was_deferred = !layers.is_empty();
    layers.append(&mut first);
    let mut is_late = attrs.iter().any(|attr| is_trace(attr, paths));

    if let Some(hidden) = attrs.iter().rposition(|attr| hides_a_layer(attr, paths)) {
        let outer = outer_attribute(&layers, paths);
        attrs.insert(hidden + 1, outer);
        return Collected::Deferred;
    }
    let (mut separators, mut others) = (Vec::new(), Vec::new());
    for attr in attrs.iter_mut() {
        let Some(kind) = recognise(attr.path(), paths) else {
            if !is_inert(attr) && !is_outer(attr, paths) {
                others.push(attr.path().clone());
            }
            continue;
        };
        let arguments = match &attr.meta {
            Meta::List(list) => list.tokens.clone(),
            _ => TokenStream::new(),
        };
        if is_disarmed(&arguments) {
            is_late = true;
            continue;
        }
        if let Some(above) = layers.last() {
            let between = |path| Separator {
                path,
                above: above.kind,
                below: kind,
            };
            separators.extend(others.drain(..).map(between));
        }
        if let Some(name) = attr.path().segments.last() {
            layers.push(Layer {
                kind,
                name: name.ident.clone(),
                arguments,
            });
        }
        disarm(attr);
    }
    if is_late && !was_deferred {
        report_latecomer(&layers, diagnostics);
    }
    if layers.len() == 1 && attrs.iter().any(|attr| !is_inert(attr)) {
        attrs.push(trace(paths));
    }
    Collected::Complete(layers, separators)
}

/// An attribute that stands alone leaves nothing disarmed behind. Where another attribute follows
/// that could be one of ours under another name, this is left for it to find.
fn trace(paths: &Paths) -> Attribute {
    let (krate, outer) = (&paths.krate, Ident::new(OUTER, Span::call_site()));
    let expanded = Ident::new(EXPANDED, Span::call_site());
    parse_quote!(#[#krate::#outer(#expanded)])
}

fn is_trace(attr: &Attribute, paths: &Paths) -> bool {
    is_outer(attr, paths) && matches!(&attr.meta, Meta::List(list) if is_disarmed(&list.tokens))
}

/// Whether `attr` is certainly none of ours: the attributes of the language that stand above
/// functions.
fn is_inert(attr: &Attribute) -> bool {
    const INERT: [&str; 29] = [
        "allow",
        "automatically_derived",
        "cfg",
        "cfg_attr",
        "cold",
        "coverage",
        "deny",
        "deprecated",
        "diagnostic",
        "doc",
        "expect",
        "export_name",
        "forbid",
        "ignore",
        "inline",
        "instruction_set",
        "link_section",
        "miri",
        "must_use",
        "naked",
        "no_mangle",
        "optimize",
        "rust_analyzer",
        "rustfmt",
        "should_panic",
        "target_feature",
        "track_caller",
        "unsafe",
        "warn",
    ];
    let first = attr.path().segments.first();
    first.is_some_and(|segment| {
        segment.ident == "clippy" || INERT.iter().any(|name| segment.ident == name)
    })
}

/// An attribute under another name is not seen by the ones above it. It expands after them, and
/// would stand outside all of them.
fn report_latecomer(layers: &[Layer], diagnostics: &Diagnostics) {
    let Some(layer) = layers.first() else { return };
    let name = layer.kind.name();
    diagnostics.error_at(
        layer.name.span(),
        format!(
            "this #[{name}] was not recognised by the attribute above it\n\
             write it as `#[resilience::{name}]`: under another name it would silently become the \
             outermost layer"
        ),
    );
}

/// The policy that a path names: bare, or behind the name of our crate.
pub(crate) fn recognise(path: &Path, paths: &Paths) -> Option<Kind> {
    let mut segments = path.segments.iter().rev();
    let kind = Kind::from_name(&segments.next()?.ident.to_string())?;
    is_ours(path, paths).then_some(kind)
}

fn is_ours(path: &Path, paths: &Paths) -> bool {
    let mut segments = path.segments.iter().rev();
    match (segments.nth(1), paths.krate.segments.last()) {
        (None, _) => true,
        (Some(prefix), renamed) => {
            prefix.ident == "resilience" || renamed.is_some_and(|name| name.ident == prefix.ident)
        }
    }
}

fn disarm(attr: &mut Attribute) {
    let path = attr.path();
    let expanded = Ident::new(EXPANDED, Span::call_site());
    attr.meta = Meta::List(parse_quote!(#path(#expanded)));
}

fn take_outer(attrs: &mut Vec<Attribute>, paths: &Paths) -> Vec<Layer> {
    let mut layers = Vec::new();
    attrs.retain(|attr| match &attr.meta {
        Meta::List(list) if is_outer(attr, paths) && !is_disarmed(&list.tokens) => {
            layers.extend(parse_outer(list.tokens.clone()));
            false
        }
        _ => true,
    });
    layers
}

fn is_outer(attr: &Attribute, paths: &Paths) -> bool {
    let last = attr.path().segments.last();
    last.is_some_and(|segment| segment.ident == OUTER) && is_ours(attr.path(), paths)
}

fn outer_attribute(layers: &[Layer], paths: &Paths) -> Attribute {
    let (krate, outer) = (&paths.krate, Ident::new(OUTER, Span::call_site()));
    parse_quote!(#[#krate::#outer(#(#layers),*)])
}

/// Whether `attr` is a `cfg_attr` with one of our attributes in it.
fn hides_a_layer(attr: &Attribute, paths: &Paths) -> bool {
    match &attr.meta {
        Meta::List(list) if list.path.is_ident("cfg_attr") => {
            mentions_a_layer(list.tokens.clone(), paths)
        }
        _ => false,
    }
}

fn mentions_a_layer(tokens: TokenStream, paths: &Paths) -> bool {
    // The first part is the condition, the others are attributes.
    split(tokens)
        .into_iter()
        .skip(1)
        .any(|part| match syn::parse2::<Meta>(part) {
            Ok(Meta::List(list)) if list.path.is_ident("cfg_attr") => {
                mentions_a_layer(list.tokens, paths)
            }
            Ok(meta) => recognise(meta.path(), paths).is_some(),
            Err(_) => false,
        })
}

/// The parts of a `cfg_attr`.
pub(crate) fn split(tokens: TokenStream) -> Vec<TokenStream> {
    let mut parts = Vec::new();
    let mut part = TokenStream::new();
    for token in tokens {
        match &token {
            TokenTree::Punct(comma) if comma.as_char() == ',' => {
                parts.push(std::mem::take(&mut part));
            }
            _ => part.extend([token]),
        }
    }
    parts.push(part);
    parts
}
