//! The demonstration.

mod agency;
mod person;
mod privacy;
mod service_provider;
mod site;
mod whole;
