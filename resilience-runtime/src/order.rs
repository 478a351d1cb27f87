//! Which end a list begins at.

/// The order of a list, and of its pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Order {
    /// What was written first comes first. What is added meanwhile is on the last page.
    #[default]
    OldestFirst,
    /// What was written last comes first. What is added meanwhile is on no page.
    NewestFirst,
}
