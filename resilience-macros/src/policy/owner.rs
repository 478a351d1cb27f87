//! Whose method a saga or a step is, as `#[saga_steps]` on the `impl` block tells it.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, Path, PathArguments, Type};

use crate::args::Value;
use crate::function::ungrouped_type;
use crate::options::Options;

/// The options in which `#[saga_steps]` tells it. Nobody writes them by hand.
pub(crate) const TYPE: &str = "__type";
pub(crate) const TRAIT: &str = "__trait";

/// The type whose method it is.
pub(crate) struct Owner {
    pub(crate) ty: Type,
    /// The trait, where the block implements one.
    pub(crate) of: Option<Path>,
}

impl Owner {
    pub(super) fn take(options: &mut Options<'_>) -> Option<Self> {
        let of = options.take(TRAIT, |value, diagnostics| {
            unwrapped(value).parse::<Path>(diagnostics)
        });
        let ty = options.take(TYPE, |value, diagnostics| {
            unwrapped(value).parse::<Type>(diagnostics)
        })?;
        Some(Self { ty, of })
    }

    /// Whether the block was refused, so that nothing is to be made of its methods.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self.ty, Type::Infer(_))
    }

    /// The last word of the type, by which people know it.
    pub(crate) fn name(&self) -> Option<&Ident> {
        match ungrouped_type(&self.ty) {
            Type::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
            _ => None,
        }
    }

    // Output: <Shop>    <Shop as Stock>
    /// What its methods are called on.
    pub(crate) fn qualified(&self) -> TokenStream {
        let (ty, of) = (&self.ty, self.of.iter());
        quote!(<#ty #(as #of)*>)
    }

    /// The path of the trait for a `use`, which takes no arguments.
    pub(crate) fn imported(&self) -> Option<Path> {
        let mut path = self.of.clone()?;
        for segment in &mut path.segments {
            segment.arguments = PathArguments::None;
        }
        Some(path)
    }
}

/// The tokens in the brackets that keep commas of generics together.
fn unwrapped(value: &Value) -> Value {
    match value.trees().as_slice() {
        [proc_macro2::TokenTree::Group(group)] => Value {
            tokens: group.stream(),
        },
        _ => value.clone(),
    }
}
