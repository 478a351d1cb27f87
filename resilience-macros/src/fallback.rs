//! What is emitted beside an error: the user's function as it is, so that the callers of it do not
//! break too.

use proc_macro2::TokenStream;
use quote::quote;

use crate::diagnostics::Diagnostics;
use crate::function::Function;

/// The errors, and the function without what only our attributes understand. Its siblings are
/// disarmed by now.
pub(crate) fn with_function(diagnostics: Diagnostics, function: &Function) -> TokenStream {
    let errors = diagnostics.into_tokens();
    quote!(#errors #function)
}

/// The errors, and the item untouched: it could not even be taken for a function.
pub(crate) fn with_item(diagnostics: Diagnostics, item: &TokenStream) -> TokenStream {
    let errors = diagnostics.into_tokens();
    quote!(#errors #item)
}
