//! How each label is answered: by a check of what was seen, by tests, or by a reason.
//!
//! A check is a pure function of the scenes: what it saw, or what is wrong. A rule that cannot be driven over HTTP names the
//! tests that hold it; one that Signet does not keep says why, and whether that is meant to stay so.

mod algorithms;
mod attributes;
mod egov;
mod extensions;
mod federation;
mod general;
mod logout;
mod metadata;
mod requests;
mod responses;

use super::scenes::Scenes;

/// What a check saw, or what is wrong.
pub(super) type Finding = Result<String, String>;

/// How a label is answered.
#[derive(Clone, Copy)]
pub enum Answer {
    /// Look at what came of the journeys.
    Check(Check),
    /// These tests hold it, by their names.
    ProvenBy(&'static [&'static str]),
    /// Signet does otherwise on purpose.
    Deviation(&'static str),
    /// Signet does not do it yet.
    NotYet(&'static str),
    /// It does not apply.
    NotApplicable(&'static str),
}

/// A check of what came of the journeys.
#[derive(Clone, Copy)]
pub struct Check(fn(&Scenes) -> Finding);

impl Check {
    pub(super) fn judge(self, scenes: &Scenes) -> Finding {
        self.0(scenes)
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Check(_) => "Check",
            Self::ProvenBy(_) => "ProvenBy",
            Self::Deviation(_) => "Deviation",
            Self::NotYet(_) => "NotYet",
            Self::NotApplicable(_) => "NotApplicable",
        })
    }
}

/// The answer to every label, by its name.
#[must_use]
pub fn answers() -> Vec<(&'static str, Answer)> {
    [
        general::ANSWERS,
        metadata::ANSWERS,
        algorithms::ANSWERS,
        requests::ANSWERS,
        responses::ANSWERS,
        attributes::ANSWERS,
        logout::ANSWERS,
        egov::ANSWERS,
        extensions::ANSWERS,
        federation::ANSWERS,
    ]
    .concat()
}

/// Shorthand for the tables.
const fn check(check: fn(&Scenes) -> Finding) -> Answer {
    Answer::Check(Check(check))
}

/// Goes on if it is so.
fn hold(so: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if so { Ok(()) } else { Err(otherwise()) }
}

/// Goes on if something seen is what it should be.
fn same(what: &str, seen: &str, should: &str) -> Result<(), String> {
    hold(seen == should, || format!("{what} is {seen:?} and should be {should:?}"))
}

/// What was seen, in words.
fn seen(words: impl Into<String>) -> Finding {
    Ok(words.into())
}

/// Each of these scenes was refused with its page, and the service was told nothing.
fn each_stopped(scenes: &Scenes, names: &[&str]) -> Result<String, String> {
    let mut codes = Vec::new();
    for name in names {
        let stopped = scenes.stopped(name)?;
        let code = stopped.code.as_deref().ok_or_else(|| format!("{name}: the page has no code: {}", stopped.path))?;
        hold((400..500).contains(&stopped.status), || format!("{name}: the page is HTTP {}", stopped.status))?;
        codes.push(format!("{name} {code}"));
    }
    Ok(codes.join(", "))
}

/// Each of these scenes led to an assertion.
fn each_answered(scenes: &Scenes, names: &[&str]) -> Result<(), String> {
    names.iter().try_for_each(|name| scenes.assertion(name).map(drop))
}

/// Each of these scenes was answered with this second-level status.
fn each_refused(scenes: &Scenes, names: &[&str], status: &str) -> Result<(), String> {
    names.iter().try_for_each(|name| same(name, scenes.refused(name)?, status))
}
