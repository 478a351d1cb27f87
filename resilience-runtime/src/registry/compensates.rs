//! What a compensation must take, asked in one question, so that the compiler has one answer to it, which can say what to
//! write.
//!
//! The compensation itself is called as anybody would call it, so that what it is given is turned into what it takes, and
//! what it is generic over is found. But what is called has no type until the question is answered: where it does not
//! fit, the compiler has nothing to say of the call.

use std::ops::Deref;

use crate::saga::journal::StepConnection;

/// A function that can be called with `Given`, which are references to what it is given, and that is async.
///
/// `How` is for the compiler to find, and so is `Itself`, which is the function.
pub trait Compensates<Given, How, Itself> {
    /// The function.
    fn itself(self) -> Itself;
}

/// A value that can stand where a `Taken` is asked for.
pub trait Fits<Taken, How> {}

/// It is one.
#[derive(Debug)]
pub struct AsItIs;
/// A reference to what holds it.
#[derive(Debug)]
pub struct Dereferenced;
/// A reference to what holds what holds it.
#[derive(Debug)]
pub struct DereferencedTwice;
/// A reference to an array, where a slice is asked for.
#[derive(Debug)]
pub struct Sliced;

impl<T> Fits<T, AsItIs> for T {}
impl<'a, T: Deref> Fits<&'a T::Target, Dereferenced> for &'a T {}
impl<'a, T> Fits<&'a <T::Target as Deref>::Target, DereferencedTwice> for &'a T
where
    T: Deref,
    T::Target: Deref,
{
}
impl<'a, T, const N: usize> Fits<&'a [T], Sliced> for &'a [T; N] {}

/// What nothing is. With a second way to answer, which is never taken, the compiler looks into the first one before it
/// takes it, and does not name the function where that does not hold.
pub trait Nothing {}
/// See [`Nothing`].
#[derive(Debug)]
pub struct Never;

#[diagnostic::do_not_recommend]
impl<Function: Nothing, Given> Compensates<Given, Never, Self> for Function {
    fn itself(self) -> Self {
        self
    }
}

macro_rules! takes {
    ($($given:ident $taken:ident $how:ident),*) => {
        #[diagnostic::do_not_recommend]
        impl<Function, Called, $($given, $taken, $how,)*>
            Compensates<($(&$given,)*), (Called, $($taken, $how,)*), Self> for Function
        where
            Function: FnOnce($($taken),*) -> Called,
            Called: IntoFuture,
            $($given: Fits<$taken, $how>,)*
        {
            fn itself(self) -> Self {
                self
            }
        }
    };
}

takes!(G1 T1 H1);
takes!(G1 T1 H1, G2 T2 H2);
takes!(G1 T1 H1, G2 T2 H2, G3 T3 H3);
takes!(G1 T1 H1, G2 T2 H2, G3 T3 H3, G4 T4 H4);
takes!(G1 T1 H1, G2 T2 H2, G3 T3 H3, G4 T4 H4, G5 T5 H5);
takes!(G1 T1 H1, G2 T2 H2, G3 T3 H3, G4 T4 H4, G5 T5 H5, G6 T6 H6);
takes!(G1 T1 H1, G2 T2 H2, G3 T3 H3, G4 T4 H4, G5 T5 H5, G6 T6 H6, G7 T7 H7);
takes!(G1 T1 H1, G2 T2 H2, G3 T3 H3, G4 T4 H4, G5 T5 H5, G6 T6 H6, G7 T7 H7, G8 T8 H8);
takes!(G1 T1 H1, G2 T2 H2, G3 T3 H3, G4 T4 H4, G5 T5 H5, G6 T6 H6, G7 T7 H7, G8 T8 H8, G9 T9 H9);
takes!(G1 T1 H1, G2 T2 H2, G3 T3 H3, G4 T4 H4, G5 T5 H5, G6 T6 H6, G7 T7 H7, G8 T8 H8, G9 T9 H9, G10 T10 H10);
takes!(G1 T1 H1, G2 T2 H2, G3 T3 H3, G4 T4 H4, G5 T5 H5, G6 T6 H6, G7 T7 H7, G8 T8 H8, G9 T9 H9, G10 T10 H10, G11 T11 H11);
takes!(G1 T1 H1, G2 T2 H2, G3 T3 H3, G4 T4 H4, G5 T5 H5, G6 T6 H6, G7 T7 H7, G8 T8 H8, G9 T9 H9, G10 T10 H10, G11 T11 H11, G12 T12 H12);

/// The function of a step that asks the question, under a trait of its own, which has a text for this step alone.
#[doc(hidden)]
#[macro_export]
macro_rules! __compensation {
    ($message:tt, $remedy:tt) => {
        #[diagnostic::on_unimplemented(
            message = $message,
            label = "a compensation is an `async fn` of what the step took, and then of its output",
            note = $remedy
        )]
        trait __Compensation<Given, How, Itself>:
            $crate::private::Compensates<Given, How, Itself>
        {
        }

        #[diagnostic::do_not_recommend]
        impl<Function, Given, How, Itself> __Compensation<Given, How, Itself> for Function where
            Function: $crate::private::Compensates<Given, How, Itself>
        {
        }

        fn __compensation<Function, Given, How, Itself>(_given: Given, function: Function) -> Itself
        where
            Function: __Compensation<Given, How, Itself>,
        {
            function.itself()
        }
    };
}

/// A connection on which a step can be taken, which is asked in the same way. `Itself` is its type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no connection that a step can be taken on",
    label = "`tx` needs a connection of sqlx 0.9 that is in no transaction: `&mut PgConnection` or `&mut SqliteConnection`",
    note = "the step begins and commits the transaction itself; turn on the feature `postgres` or `sqlite` of `resilience`"
)]
pub trait Lends<How, Itself> {
    /// The connection.
    fn itself(&mut self) -> &mut Itself;
}

#[diagnostic::do_not_recommend]
impl<Connection: StepConnection> Lends<AsItIs, Self> for Connection {
    fn itself(&mut self) -> &mut Self {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<Connection: Nothing> Lends<Never, Self> for Connection {
    fn itself(&mut self) -> &mut Self {
        self
    }
}
