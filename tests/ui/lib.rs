//! Compile-error tests of the attributes.
