//! Signing up and in through the front door.

mod enumeration;
mod forgotten_password;
mod hostile_database;
mod known_browser;
mod limits;
mod second_factor;
mod session;
mod sign_in;
mod sign_up;
