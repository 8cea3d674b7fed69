//! NIST SP 800-63C: who may ask for what, and what is released.
//!
//! Everything here takes values and returns values: no database, no network, no clock.
//!
//! # Vocabulary
//!
//! | word | what it is |
//! |---|---|
//! | [`agreement`] | the trust agreement with one service of an agency: the ceiling of what it may receive |
//! | [`attribute`] | the catalogue of what can be released, and in which form |
//! | [`assurance`] | the levels: what a request demands, what an assertion may truthfully say |
//! | [`identifier`] | the name by which an agency knows a person |
//! | [`release`] | the decision about every attribute, each with its reason |
//! | [`consent`] | what a person agreed to, and the release frozen with it |
//! | [`registry`] | the services that are known: metadata and agreement, with revisions |
//! | [`single_sign_on`] | one sign-in at one service: what is settled, what comes next |
//! | [`issue`] | the only way to an assertion |
//! | [`delivery`] | which signatures an assertion gets, and to whom it is encrypted |
//! | [`negotiation`] | which algorithms it uses: of ours, the first that the service takes |
//! | [`timeliness`] | when a message may have been made |
//! | [`disclosure`] | the chained record of what was released |

pub mod agreement;
pub mod assurance;
pub mod attribute;
pub mod consent;
pub mod delivery;
pub mod disclosure;
pub mod identifier;
pub mod issue;
pub mod negotiation;
pub mod registry;
pub mod release;
pub mod service_address;
pub mod single_logout;
pub mod single_sign_on;
pub mod timeliness;
