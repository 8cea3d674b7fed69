//! The browser: forms in, pages out. Thin.
