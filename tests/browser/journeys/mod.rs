//! People's journeys, from the demonstration agency through Signet and back. Every page on the way is judged.

mod keyboard;
mod many_services;
mod pages;
mod recovery;
mod sign_in;
mod sign_out;
mod sign_up;
