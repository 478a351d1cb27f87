//! What is to happen at which message.

/// At which moment a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Before the message is forwarded: the server never hears of it.
    Before,
    /// When the server has answered it: it has acted, and the client never learns of it.
    After,
}

/// At which moment everything comes to a standstill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freeze {
    /// Before the message is forwarded: the server never hears of it.
    Before,
    /// When half of its bytes are forwarded.
    Within,
    /// When the server has answered it: it has acted, and the client does not learn of it.
    After,
}

impl Freeze {
    /// Every moment.
    pub const ALL: [Self; 3] = [Self::Before, Self::Within, Self::After];
}

/// What is to happen at a message.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) at: At,
    pub(super) fault: Fault,
}

/// Which message it is.
#[derive(Debug)]
pub(super) enum At {
    /// The one with this number, counted over all connections.
    Number(u64),
    /// The first one with this in it.
    Content(Vec<u8>),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Fault {
    Cut(Cut),
    Freeze(Freeze),
    /// It waits until it is known what is to happen.
    Hold,
}

/// What becomes of the next answer on a connection.
#[derive(Debug, Clone, Copy)]
pub(super) enum Answer {
    Passes,
    IsCut,
    Freezes,
}
