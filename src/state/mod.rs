//! State: tables of typed rows in an ordered key-value store, and the overlay of what a batch has changed but not yet
//! committed.
//!
//! Rules read and write rows through [`State`]. Nothing they do reaches the store before the batch's transaction has
//! committed: [`Overlay::changes`] gives what to write then, and to the changelog before. Nothing here does I/O: a [`Store`]
//! is whatever the caller brings.

mod overlay;
mod store;
mod table;

pub use overlay::{Overlay, State};
pub use store::{Changes, MemStore, Store, StoreError};
pub use table::{Row, Table};
