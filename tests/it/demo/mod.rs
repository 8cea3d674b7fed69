//! The demonstration.

mod agency;
mod person;
mod service_provider;
mod site;
mod whole;
