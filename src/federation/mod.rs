//! NIST SP 800-63C: who may ask for what, and what is released.
