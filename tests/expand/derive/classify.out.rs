#[automatically_derived]
impl<E> ::resilience::Classify for PayError<E>
where
    Box<E>: ::resilience::Classify,
{
    fn classify(&self) -> ::resilience::Class {
        match self {
            Self::Unreachable => ::resilience::Class::Transient,
            Self::Busy(..) => {
                ::resilience::Class::Throttled {
                    retry_after: ::core::option::Option::None,
                }
            }
            Self::TooManyRequests { retry_after: after, .. } => {
                ::resilience::Class::Throttled {
                    retry_after: ::resilience::__private::retry_after(after),
                }
            }
            Self::TooMuch(_, after, ..) => {
                ::resilience::Class::Throttled {
                    retry_after: ::resilience::__private::retry_after(after),
                }
            }
            Self::CardDeclined { .. } => ::resilience::Class::Permanent,
            Self::Cancelled => ::resilience::Class::Ignored,
            Self::Resilience(inner, ..) => ::resilience::Classify::classify(inner),
            Self::Gateway { source: inner, .. } => {
                ::resilience::Classify::classify(inner)
            }
        }
    }
}
#[automatically_derived]
impl ::corp::armour::Classify for NotFound {
    fn classify(&self) -> ::corp::armour::Class {
        match self {
            Self { .. } => ::corp::armour::Class::Permanent,
        }
    }
}
#[automatically_derived]
impl ::resilience::Classify for Never {
    fn classify(&self) -> ::resilience::Class {
        match *self {}
    }
}
