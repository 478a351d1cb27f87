//! `#[classify(..)]`: its classes, and which of them a variant has.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Fields, Ident, Member, Meta};

use crate::args::{Args, Value};
use crate::diagnostics::{Diagnostics, did_you_mean, list};
use crate::paths::Paths;

/// The classes, as they are written.
const NAMES: [&str; 5] = [
    "transient",
    "throttled",
    "permanent",
    "ignored",
    "transparent",
];

/// What a variant means.
pub(super) enum Class {
    Transient,
    Throttled {
        after: Option<After>,
    },
    Permanent,
    Ignored,
    /// The only field says.
    Transparent,
}

/// The field that says how long to wait.
pub(super) struct After {
    pub(super) position: usize,
    /// Where it is named, for the error of a wrong type.
    pub(super) span: Span,
}

/// What the attribute stands above.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Enum,
    Struct,
    Variant,
}

/// What the `#[classify(..)]` above one thing say together.
pub(super) struct Classes {
    pub(super) paths: Paths,
    written: Vec<Written>,
    /// There was something that was meant as a class: that none is left is no second mistake.
    is_broken: bool,
}

/// A class as it was written.
struct Written {
    name: Ident,
    after: Option<(Member, Value)>,
}

impl Classes {
    pub(super) fn parse(place: Place, attrs: &[Attribute], diagnostics: &Diagnostics) -> Self {
        let mut classes = Self {
            paths: Paths::default(),
            written: Vec::new(),
            is_broken: false,
        };
        let mut has_crate = false;
        for attr in attrs.iter().filter(|attr| attr.path().is_ident("classify")) {
            let Meta::List(list) = &attr.meta else {
                classes.is_broken = true;
                diagnostics.error(
                    attr,
                    format!(
                        "#[classify] has no class\nwrite `#[classify(..)]` with {}",
                        choice()
                    ),
                );
                continue;
            };
            let tokens = list.tokens.clone();
            let mut args = Args::parse("#[classify]", attr.path().span(), tokens, diagnostics);
            if args.is_empty() {
                // What it lacks is said of the whole variant.
                continue;
            }
            if let Some(path) = args.take("crate") {
                classes.take_crate(&path, place, has_crate, diagnostics);
                has_crate = true;
            }
            for name in NAMES {
                if let Some(value) = args.take(name) {
                    classes.is_broken = true;
                    diagnostics.error(value, format!("`{name}` has no value\nwrite `{name}`"));
                }
            }
            while let Some(value) = args.take_positional() {
                classes.add(&value, place, diagnostics);
            }
            classes.is_broken |= !args.is_empty();
            args.finish(
                if place == Place::Variant {
                    &NAMES
                } else {
                    &["crate"]
                },
                diagnostics,
            );
        }
        classes
    }

    fn take_crate(&mut self, path: &Value, place: Place, again: bool, diagnostics: &Diagnostics) {
        if place == Place::Variant {
            diagnostics.error(
                path,
                "`crate` is said once, of the whole type\nwrite it above the type",
            );
        } else if again {
            diagnostics.error(path, "`crate` is given twice\nkeep one");
        } else if let Some(krate) =
            path.parse_path("write the path of the `resilience` crate", diagnostics)
        {
            self.paths.krate = krate;
        }
    }

    fn add(&mut self, value: &Value, place: Place, diagnostics: &Diagnostics) {
        // Whatever becomes of it, it was meant as a class.
        let was_broken = std::mem::replace(&mut self.is_broken, true);
        let Some((name, inside)) = value.as_call() else {
            let remedy = format!("write {}", choice());
            diagnostics.error(
                value,
                format!("`{}` is not a class\n{remedy}", value.tokens),
            );
            return;
        };
        let written = name.unraw().to_string();
        if !NAMES.contains(&written.as_str()) {
            let remedy = did_you_mean(&written, &NAMES);
            diagnostics.error(&name, format!("`{written}` is not a class\n{remedy}"));
            return;
        }
        if place == Place::Enum {
            diagnostics.error(
                value,
                "an enum has a class for each variant, not one for all\nwrite it above the variants",
            );
            return;
        }
        let mut after = None;
        if let Some(inside) = inside {
            if written != "throttled" {
                diagnostics.error(
                    inside,
                    format!("`{written}` takes nothing in parentheses\nwrite `{written}`"),
                );
                return;
            }
            let mut args = Args::parse("throttled(..)", name.span(), inside.stream(), diagnostics);
            if let Some(value) = args.take("after") {
                let Ok(member) = syn::parse2(value.tokens.clone()) else {
                    diagnostics.error(
                        value,
                        "`after` names a field of this variant\n\
                         write `after = name`, or `after = 0` for the first field without a name",
                    );
                    return;
                };
                after = Some((member, value));
            }
            args.finish(&["after"], diagnostics);
        }
        self.is_broken = was_broken;
        self.written.push(Written { name, after });
    }

    /// Reports classes above fields: the compiler lets the attribute stand there.
    pub(super) fn reject_on_fields(&mut self, fields: &Fields, diagnostics: &Diagnostics) {
        let attrs = fields.iter().flat_map(|field| &field.attrs);
        for attr in attrs.filter(|attr| attr.path().is_ident("classify")) {
            self.is_broken = true;
            diagnostics.error(
                attr,
                "a field has no class\nwrite it above the variant, or the struct",
            );
        }
    }

    /// The one class that `name` has; `None` after an error.
    pub(super) fn only(
        self,
        name: &Ident,
        fields: &Fields,
        diagnostics: &Diagnostics,
    ) -> Option<Class> {
        let mut written = self.written.into_iter();
        let Some(first) = written.next() else {
            if !self.is_broken {
                diagnostics.error(
                    name,
                    format!(
                        "`{}` has no class\nwrite `#[classify(..)]` above it, with {}",
                        name.unraw(),
                        choice()
                    ),
                );
            }
            return None;
        };
        if let Some(second) = written.next() {
            diagnostics.error(
                &second.name,
                format!(
                    "`{}` has a class already: `{}`\nkeep one",
                    name.unraw(),
                    first.name
                ),
            );
            return None;
        }
        first.resolve(name, fields, diagnostics)
    }
}

impl Written {
    fn resolve(self, of: &Ident, fields: &Fields, diagnostics: &Diagnostics) -> Option<Class> {
        let class = match self.name.unraw().to_string().as_str() {
            "transient" => Class::Transient,
            "permanent" => Class::Permanent,
            "ignored" => Class::Ignored,
            "transparent" if fields.len() == 1 => Class::Transparent,
            "transparent" => {
                diagnostics.error(
                    &self.name,
                    format!(
                        "`transparent` asks the only field, and `{}` has {}\n\
                         give it one field, or another class",
                        of.unraw(),
                        fields.len()
                    ),
                );
                return None;
            }
            _ => Class::Throttled {
                after: match self.after {
                    Some((member, value)) => Some(find(&member, &value, of, fields, diagnostics)?),
                    None => None,
                },
            },
        };
        Some(class)
    }
}

/// The field that `after` names.
fn find(
    member: &Member,
    value: &Value,
    of: &Ident,
    fields: &Fields,
    diagnostics: &Diagnostics,
) -> Option<After> {
    let position = fields.members().position(|field| match (&field, member) {
        (Member::Named(field), Member::Named(named)) => field.unraw() == named.unraw(),
        (Member::Unnamed(field), Member::Unnamed(index)) => field.index == index.index,
        _ => false,
    });
    if position.is_none() {
        let written = match member {
            Member::Named(name) => name.unraw().to_string(),
            Member::Unnamed(index) => index.index.to_string(),
        };
        let of = of.unraw();
        let names: Vec<String> = fields
            .members()
            .map(|field| match field {
                Member::Named(name) => name.unraw().to_string(),
                Member::Unnamed(index) => index.index.to_string(),
            })
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let remedy = match fields {
            Fields::Unit => "write `throttled`".to_owned(),
            Fields::Named(_) => did_you_mean(&written, &names),
            // One digit is as close to another as the next.
            Fields::Unnamed(_) => format!("there is {}", list(&names)),
        };
        diagnostics.error(value, format!("`{of}` has no field `{written}`\n{remedy}"));
    }
    Some(After {
        position: position?,
        span: value.tokens.span(),
    })
}

/// `` `transient`, .. or `transparent` ``
fn choice() -> String {
    let [first @ .., last] = NAMES;
    format!("`{}` or `{last}`", first.join("`, `"))
}
