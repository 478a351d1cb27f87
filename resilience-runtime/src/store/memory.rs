//! The store for tests: everything in memory.
