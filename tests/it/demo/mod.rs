//! The demonstration.

mod service_provider;
