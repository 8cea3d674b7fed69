//! What the tests stand on: a browser without script, and (as they land) the started application and its people.

pub mod app;
pub mod browser;
pub mod database;
pub mod keys;
pub mod log;
pub mod neighbours;
pub mod people;
pub mod production;
pub mod sql;
pub mod statements;
