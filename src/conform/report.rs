//! The suite's result: one row a label, as a table for the terminal and as a page.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use serde::Serialize;
use tera::{Context, Tera};

use super::{
    labels::{LABELS, Label, Profile},
    rules::{self, Answer},
    scenes::Scenes,
};

/// How a label came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is kept; what was seen.
    Kept(String),
    /// It is kept; these tests hold it, since it cannot be driven over HTTP.
    Proven(&'static [&'static str]),
    /// It is not kept; what was seen.
    Broken(String),
    /// It is not kept on purpose; why.
    Deviation(&'static str),
    /// It is not kept yet; what is missing.
    NotYet(&'static str),
    /// It does not apply; why.
    NotApplicable(&'static str),
}

/// The kinds of verdict, in the order of the summary: a short name for machines, and words.
const KINDS: [(&str, &str); 6] = [
    ("kept", "kept, seen over HTTP"),
    ("proven", "kept, held by tests"),
    ("deviation", "otherwise on purpose"),
    ("not-yet", "not kept yet"),
    ("not-applicable", "not applicable"),
    ("broken", "BROKEN"),
];

impl Verdict {
    /// Its name for machines.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Kept(_) => "kept",
            Self::Proven(_) => "proven",
            Self::Broken(_) => "broken",
            Self::Deviation(_) => "deviation",
            Self::NotYet(_) => "not-yet",
            Self::NotApplicable(_) => "not-applicable",
        }
    }

    /// Its name for people.
    #[must_use]
    pub fn words(&self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self.kind()).map_or("", |(_, words)| words)
    }

    /// What was seen, or why.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Kept(seen) | Self::Broken(seen) => seen.clone(),
            Self::Proven(tests) => tests.join(", "),
            Self::Deviation(why) | Self::NotYet(why) | Self::NotApplicable(why) => (*why).to_owned(),
        }
    }
}

/// One label and how it came out.
#[derive(Debug, Clone)]
pub struct Row {
    /// The label.
    pub label: Label,
    /// How it came out.
    pub verdict: Verdict,
}

/// How every label came out.
#[derive(Debug, Clone)]
pub struct Report {
    rows: Vec<Row>,
}

impl Report {
    /// Judges every label.
    pub(super) fn of(scenes: &Scenes) -> Self {
        let answers: BTreeMap<&str, Answer> = rules::answers().into_iter().collect();
        let judge = |label: &Label| match answers.get(label.name) {
            Some(Answer::Check(check)) => check.judge(scenes).map_or_else(Verdict::Broken, Verdict::Kept),
            Some(Answer::ProvenBy(tests)) => Verdict::Proven(tests),
            Some(Answer::Deviation(why)) => Verdict::Deviation(why),
            Some(Answer::NotYet(what)) => Verdict::NotYet(what),
            Some(Answer::NotApplicable(why)) => Verdict::NotApplicable(why),
            None => Verdict::Broken("no rule of the suite answers this label".to_owned()),
        };
        Self { rows: LABELS.iter().map(|label| Row { label: *label, verdict: judge(label) }).collect() }
    }

    /// Only labels that begin so, whatever their case.
    #[must_use]
    pub fn only(mut self, prefix: &str) -> Self {
        let prefix = prefix.to_ascii_lowercase();
        self.rows.retain(|row| row.label.name.to_ascii_lowercase().starts_with(&prefix));
        self
    }

    /// The rows.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// How a label came out.
    #[must_use]
    pub fn verdict(&self, label: &str) -> Option<&Verdict> {
        self.rows.iter().find(|row| row.label.name == label).map(|row| &row.verdict)
    }

    /// Rules that are broken.
    pub fn broken(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| matches!(row.verdict, Verdict::Broken(_)))
    }

    /// How many rows there are of each kind, in the order of the summary: the words and the number.
    #[must_use]
    pub fn counts(&self) -> Vec<(&'static str, usize)> {
        let of = |kind: &str| self.rows.iter().filter(|row| row.verdict.kind() == kind).count();
        KINDS.iter().map(|(kind, words)| (*words, of(kind))).collect()
    }

    /// Writes the table: label, strength, verdict, then what it asks and what was seen.
    ///
    /// # Errors
    /// The output cannot be written.
    pub fn write_table(&self, out: &mut dyn Write) -> io::Result<()> {
        for profile in Profile::ALL {
            let rows: Vec<&Row> = self.rows.iter().filter(|row| row.label.profile == profile).collect();
            if rows.is_empty() {
                continue;
            }
            writeln!(out, "\n{}\n", profile.title())?;
            for row in rows {
                let Label { name, strength, sentence, .. } = row.label;
                writeln!(out, "{name:<22} {:<7} {}", strength.word(), row.verdict.words())?;
                writeln!(out, "    {sentence}")?;
                writeln!(out, "    > {}", row.verdict.reason())?;
            }
        }
        self.write_summary(out)
    }

    /// Writes how many there are of each kind.
    ///
    /// # Errors
    /// The output cannot be written.
    pub fn write_summary(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "\n{} labels", self.rows.len())?;
        for (words, number) in self.counts() {
            writeln!(out, "{number:>5} {words}")?;
        }
        Ok(())
    }

    /// The report as a page of its own.
    ///
    /// # Errors
    /// The template is broken.
    pub fn html(&self, version: &str) -> Result<String, tera::Error> {
        let mut tera = Tera::default();
        tera.add_raw_template("report.html", include_str!("../../templates/conform/report.html"))?;
        let shown = |row: &Row| ShownRow {
            label: row.label.name,
            strength: row.label.strength.word(),
            sentence: row.label.sentence,
            kind: row.verdict.kind(),
            words: row.verdict.words(),
            reason: row.verdict.reason(),
        };
        let parts: Vec<ShownPart> = Profile::ALL
            .into_iter()
            .map(|profile| ShownPart {
                title: profile.title(),
                rows: self.rows.iter().filter(|row| row.label.profile == profile).map(shown).collect(),
            })
            .filter(|part| !part.rows.is_empty())
            .collect();
        let of = |kind: &str| self.rows.iter().filter(|row| row.verdict.kind() == kind).count();
        let counts: Vec<ShownCount> =
            KINDS.iter().map(|(kind, words)| ShownCount { kind, words, number: of(kind) }).collect();
        let mut context = Context::new();
        context.insert("parts", &parts);
        context.insert("counts", &counts);
        context.insert("total", &self.rows.len());
        context.insert("version", version);
        tera.render("report.html", &context)
    }
}

#[derive(Serialize)]
struct ShownPart {
    title: &'static str,
    rows: Vec<ShownRow>,
}

#[derive(Serialize)]
struct ShownRow {
    label: &'static str,
    strength: &'static str,
    sentence: &'static str,
    kind: &'static str,
    words: &'static str,
    reason: String,
}

#[derive(Serialize)]
struct ShownCount {
    kind: &'static str,
    words: &'static str,
    number: usize,
}
