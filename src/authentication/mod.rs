//! NIST SP 800-63B: authenticators and sessions.
