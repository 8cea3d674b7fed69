//! The demonstration.

mod agency;
mod service_provider;
mod site;
