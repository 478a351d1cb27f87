//! How the runtime finds a saga and a compensation again, by name, after a crash.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Attribute;
use syn::ext::IdentExt;

use super::declare::at;
use super::{Annotated, marker, owned};
use crate::function::Parameter;
use crate::paths::local;
use crate::policy::{Compensation, Policy, Saga, SagaStep};

impl Annotated {
    /// The item behind the function; nothing for functions that are not journaled.
    pub(super) fn registration(&self) -> TokenStream {
        self.policies
            .iter()
            .map(|policy| match policy {
                Policy::Saga(saga) => self.register_saga(saga),
                Policy::SagaStep(step) => self.register_step(step),
                _ => TokenStream::new(),
            })
            .collect()
    }

    // Output: const two_sagas_are_named_checkout__give_one_another_name: () = ();    beside a free function
    //         const _: () = {
    //             fn __resume(call: JournaledCall) -> BoxFuture<'static, Result<(), Error>> { .. }
    //             submit! { SagaEntry { .. } }
    //         };
    fn register_saga(&self, saga: &Saga) -> TokenStream {
        let (call, outcome) = (local("call"), local("outcome"));
        let journaled_call = self.paths.private("JournaledCall");
        let future = self.paths.private("BoxFuture");
        let error = self.paths.public("Error");
        let entry = self.paths.private("SagaEntry");
        let submit = self.paths.private("submit");
        let function = self.callee();
        let marker = self.marker(marker::of_saga(saga, &self.own_name_at()));
        let import = self.import_of_trait();
        let (cfgs, saga) = (self.cfgs(), self.saga(saga));
        let (place, states) = (self.place(), self.states());
        let called = Some(&self.function.sig.ident);
        let (declared, passed) = (
            self.restored(called),
            self.passed(called, &TokenStream::new()),
        );
        let deprecated = self.allow_deprecated();
        // A future that is not `Send` is an error at the function's name.
        let resumed = quote_spanned! {self.function.sig.ident.span()=>
            ::std::boxed::Box::pin(async move {
                #declared
                let #outcome = #function(#passed).await;
                ::core::mem::drop(#outcome);
                ::core::result::Result::Ok(())
            })
        };
        quote! {
            #marker
            #(#cfgs)*
            #deprecated
            const _: () = {
                #import
                fn __resume(
                    #call: #journaled_call,
                ) -> #future<'static, ::core::result::Result<(), #error>> {
                    #resumed
                }
                #submit! { #entry { saga: #saga, place: #place, states: #states, resume: __resume } }
            };
        }
    }

    // Output: const two_saga_steps_are_named_reserve__give_one_another_name: () = ();    beside a free function
    //         const _: () = {
    //             fn __compensate(call: JournaledCall) -> BoxFuture<'static, Result<(), CompensationError>> { .. }
    //             submit! { StepEntry { .. } }
    //         };
    fn register_step(&self, step: &SagaStep) -> TokenStream {
        let entry = self.paths.private("StepEntry");
        let submit = self.paths.private("submit");
        let cfgs = self.cfgs();
        let (place, states) = (self.place(), self.states());
        let (declaration, compensate) = match &step.compensation {
            Compensation::None => (TokenStream::new(), quote!(::core::option::Option::None)),
            Compensation::By {
                function, in_doubt, ..
            } => (
                self.compensation(function, *in_doubt),
                quote!(::core::option::Option::Some(__compensate)),
            ),
        };
        let marker = self.marker(marker::of_step(step, &self.own_name_at()));
        let import = self.import_of_trait();
        let step = self.saga_step(step);
        quote! {
            #marker
            #(#cfgs)*
            const _: () = {
                #import
                #declaration
                #submit! { #entry { step: #step, place: #place, states: #states, compensate: #compensate } }
            };
        }
    }

    // Output: use otherwise::*;
    //         let this = call.state::<Shop>()?;    in a method
    //         let shop = call.state::<Shop>()?;
    //         let order = call.argument("order", argument::<Order>().found())?;
    pub(super) fn restored(&self, called: Option<&Ident>) -> TokenStream {
        let (call, this) = (local("call"), local("this"));
        let (argument, otherwise) = (
            self.paths.private("argument"),
            self.paths.private("otherwise"),
        );
        let receiver = self
            .receiver_type()
            .map(|ty| quote!(let #this = #call.state::<#ty>()?;));
        let parameters = self.journaled_parameters().map(|(name, parameter)| {
            let (cfgs, ty) = (&parameter.cfgs, self.outside(parameter.owned_type()));
            let read = if parameter.state {
                quote!(state::<#ty>())
            } else {
                let key = name.to_string();
                quote!(argument(#key, #argument::<#ty>().found()))
            };
            // A type that cannot be read back is an error at the parameter's type.
            let read = at(&ty, quote!(#call.#read));
            let variable = variable(name, called);
            quote!(#(#cfgs)* let #variable = #read?;)
        });
        quote! {
            #[allow(unused_imports)]
            use #otherwise::*;
            #receiver
            #(#parameters)*
        }
    }

    // Output: &this, &shop, order,        with `prefix`, which each of them begins with
    pub(super) fn passed(&self, called: Option<&Ident>, prefix: &TokenStream) -> TokenStream {
        let this = local("this");
        let receiver = self.receiver_type().map(|_| quote!(#prefix &#this,));
        let parameters = self.journaled_parameters().map(|(name, parameter)| {
            let (cfgs, variable) = (&parameter.cfgs, variable(name, called));
            let name = name.to_token_stream();
            let lent = parameter.is_reference().then(|| at(&name, quote!(&)));
            let prefix = at(&name, prefix.clone());
            quote!(#(#cfgs)* #prefix #lent #variable,)
        });
        quote!(#receiver #(#parameters)*)
    }

    /// Those that the runtime can supply: the connection of a transaction is its caller's.
    pub(super) fn journaled_parameters(&self) -> impl Iterator<Item = (&Ident, &Parameter)> {
        self.parameters
            .iter()
            .filter(|parameter| !parameter.connection)
            .filter_map(|parameter| Some((parameter.name()?, parameter)))
    }

    /// The type of `self`, where there is one.
    pub(super) fn receiver_type(&self) -> Option<TokenStream> {
        let owner = self.owner()?;
        self.function.sig.receiver()?;
        Some(owner.ty.to_token_stream())
    }

    fn own_name_at(&self) -> (String, Span) {
        (self.own_name(), self.function.sig.ident.span())
    }

    // Output: checkout    <Shop as Orders>::checkout
    /// The function, as items can name it.
    fn callee(&self) -> TokenStream {
        let function = &self.function.sig.ident;
        match self.owner() {
            Some(owner) => {
                let owner = owner.qualified();
                quote!(#owner::#function)
            }
            None => quote!(#function),
        }
    }

    /// The type as items can name it, which know no `Self`.
    pub(super) fn outside(&self, ty: &syn::Type) -> TokenStream {
        match self.owner() {
            Some(owner) => owned::tokens(ty.to_token_stream(), owner),
            None => ty.to_token_stream(),
        }
    }

    // Output: #[allow(unused_imports)]
    //         use crate::Stock as _;
    /// A compensation may be a method of the trait.
    fn import_of_trait(&self) -> Option<TokenStream> {
        let path = self.owner()?.imported()?;
        Some(quote! {
            #[allow(unused_imports)]
            use #path as _;
        })
    }

    // Output: #[allow(non_upper_case_globals)]
    //         const two_saga_steps_are_named_reserve__give_one_another_name: () = ();
    /// What does not compile when there are two of a name in one module. Methods have theirs beside their
    /// `impl`.
    fn marker(&self, name: Option<Ident>) -> Option<TokenStream> {
        let name = name.filter(|_| self.owner().is_none())?;
        let cfgs = self.cfgs();
        Some(marker::item(&name, &cfgs))
    }

    // Output: Place { file: file!(), line: line!() }
    fn place(&self) -> TokenStream {
        let place = self.paths.private("Place");
        let span = self.function.sig.ident.span();
        let line = quote_spanned!(span=> ::core::line!());
        quote!(#place { file: ::core::file!(), line: #line })
    }

    // Output: &[StateType::of::<Shop>()]
    fn states(&self) -> TokenStream {
        let state_type = self.paths.private("StateType");
        let receiver = self
            .receiver_type()
            .map(|ty| quote!(#state_type::of::<#ty>()));
        let parameters = self
            .journaled_parameters()
            .filter(|(_, parameter)| parameter.state)
            .map(|(_, parameter)| {
                let (cfgs, ty) = (&parameter.cfgs, self.outside(parameter.owned_type()));
                quote!(#(#cfgs)* #state_type::of::<#ty>())
            });
        let types = receiver.into_iter().chain(parameters);
        quote!(&[#(#types),*])
    }

    // Output: #[allow(deprecated)]
    /// The runtime may call what the author's own callers should not.
    fn allow_deprecated(&self) -> Option<TokenStream> {
        let attrs = &self.function.attrs;
        let is_deprecated = attrs.iter().any(|attr| attr.path().is_ident("deprecated"));
        is_deprecated.then(|| quote!(#[allow(deprecated)]))
    }

    fn cfgs(&self) -> Vec<&Attribute> {
        self.function
            .attrs
            .iter()
            .filter(|attr| attr.path().is_ident("cfg"))
            .collect()
    }
}

// Output: order    order_argument, where the function that is called has this name
/// The variable of a parameter: one of the function's own name would hide the function.
fn variable(name: &Ident, called: Option<&Ident>) -> Ident {
    if called == Some(name) {
        Ident::new(&format!("{}_argument", name.unraw()), name.span())
    } else {
        name.clone()
    }
}
