//! Types that own what they hold: what to write instead of one that borrows, or has no size.

use quote::ToTokens;
use syn::{GenericArgument, PathArguments, Type, parse_quote};

use crate::diagnostics::readable;
use crate::function::{last_segment, ungrouped_type};

// Input:  Option<&str>
// Output: Option<String>
/// The type without borrows; `None` where it has none.
pub(super) fn owned(ty: &Type) -> Option<Type> {
    match ungrouped_type(ty) {
        Type::Reference(reference) => Some(owned_referent(&reference.elem)),
        Type::Slice(slice) => {
            let elem = owned(&slice.elem)?;
            Some(parse_quote!([#elem]))
        }
        Type::Array(array) => {
            let (elem, len) = (owned(&array.elem)?, &array.len);
            Some(parse_quote!([#elem; #len]))
        }
        Type::Tuple(tuple) => {
            let mut tuple = tuple.clone();
            let changed = tuple.elems.iter_mut().filter_map(make_owned).count();
            (changed > 0).then_some(Type::Tuple(tuple))
        }
        Type::Path(path) => {
            let mut path = path.clone();
            let last = path.path.segments.last_mut()?;
            let PathArguments::AngleBracketed(arguments) = &mut last.arguments else {
                return None;
            };
            // It holds nothing, and is read back whatever its type is.
            if last.ident == "PhantomData" {
                return None;
            }
            let types = arguments
                .args
                .iter_mut()
                .filter_map(|argument| match argument {
                    GenericArgument::Type(ty) => make_owned(ty),
                    _ => None,
                });
            (types.count() > 0).then_some(Type::Path(path))
        }
        _ => None,
    }
}

fn make_owned(ty: &mut Type) -> Option<()> {
    *ty = owned(ty)?;
    Some(())
}

/// What owns what a reference to `ty` shows.
fn owned_referent(ty: &Type) -> Type {
    match ungrouped_type(ty) {
        Type::Slice(slice) => {
            let elem = owned(&slice.elem).unwrap_or_else(|| (*slice.elem).clone());
            parse_quote!(Vec<#elem>)
        }
        Type::Path(path) if path.path.is_ident("str") => parse_quote!(String),
        ty => owned(ty).unwrap_or_else(|| ty.clone()),
    }
}

/// What to write where a state, the type behind its `&`, has no size.
pub(super) fn sized_state(ty: &Type) -> Option<String> {
    match ungrouped_type(ty) {
        Type::TraitObject(object) => {
            let object = readable(&object.to_token_stream());
            Some(format!(
                "write `&Arc<{object}>`, and give the runtime an `Arc<{object}>`"
            ))
        }
        Type::Slice(slice) => {
            let elem = readable(&slice.elem.to_token_stream());
            Some(format!("write `&Vec<{elem}>`, or a type of your own"))
        }
        ty if last_segment(ty).is_some_and(|name| name == "str") => {
            Some("write `&String`, or a type of your own".to_owned())
        }
        _ => None,
    }
}
