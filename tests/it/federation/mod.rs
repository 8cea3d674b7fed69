//! Who may ask for what, and what is released: the core of `federation`, by values alone.

mod agreement;
mod assurance;
mod consent;
mod disclosure;
mod given;
mod release;
