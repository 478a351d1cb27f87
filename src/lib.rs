//! One line above an async function, and it survives production.
