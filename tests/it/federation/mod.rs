//! Who may ask for what, and what is released: the core of `federation`, by values alone.

#[cfg(feature = "demo")]
mod addresses;
mod agreement;
#[cfg(feature = "demo")]
mod artifact;
mod assurance;
mod consent;
#[cfg(feature = "demo")]
mod delivery;
mod denied;
#[cfg(feature = "demo")]
mod direct;
mod disclosure;
mod folder;
#[cfg(feature = "demo")]
pub(crate) mod front_door;
mod gate;
mod given;
#[cfg(feature = "demo")]
mod hostile_database;
#[cfg(feature = "demo")]
mod language;
mod mailed_link;
mod registry;
mod release;
#[cfg(feature = "demo")]
mod single_logout;
mod single_sign_on;
mod slow_key;
#[cfg(feature = "demo")]
mod tabs;
#[cfg(feature = "demo")]
mod turned_away;
#[cfg(feature = "demo")]
mod who_asks;
mod whole_way;
