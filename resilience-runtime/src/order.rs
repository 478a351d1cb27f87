//! At which end a list begins.

/// The order of a list and of its pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Order {
    /// Oldest entries first. Entries that are added while you turn the pages appear on the last page.
    #[default]
    OldestFirst,
    /// Newest entries first. Entries that are added while you turn the pages appear on no page.
    NewestFirst,
}
