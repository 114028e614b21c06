//! What a figure is, and how it is shown to people and to programs.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;
use serde::Serialize;
use serde_json::json;

/// One measured figure.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    pub(crate) goal: Goal,
    /// The same measurement of the counterpart, in the row's unit.
    pub(crate) counterpart: Option<f64>,
}

/// What the figure should be.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    AtMost(f64),
    AtLeast(f64),
    /// Of the value to the counterpart's.
    RatioAtLeast(f64),
    /// It only explains another figure.
    None,
}

impl Goal {
    fn bound(self) -> Option<f64> {
        match self {
            Self::AtMost(bound) | Self::AtLeast(bound) | Self::RatioAtLeast(bound) => Some(bound),
            Self::None => None,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtMost(bound) => format!("at most {bound}"),
            Self::AtLeast(bound) => format!("at least {bound}"),
            Self::RatioAtLeast(bound) => format!("ratio at least {bound}"),
            Self::None => "-".to_owned(),
        }
    }
}

impl Row {
    pub(crate) fn ratio(&self) -> Option<f64> {
        self.counterpart.map(|counterpart| self.value / counterpart)
    }

    pub(crate) fn is_met(&self) -> bool {
        match self.goal {
            Goal::AtMost(bound) => self.value <= bound,
            Goal::AtLeast(bound) => self.value >= bound,
            Goal::RatioAtLeast(bound) => self.ratio().is_some_and(|ratio| ratio >= bound),
            Goal::None => true,
        }
    }
}

/// The table for people, in Markdown so that it can be kept.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| figure | value | unit | goal | met | counterpart | ratio |\n|---|---:|---|---|---|---:|---:|\n",
    );
    for row in rows {
        let optional = |number: Option<f64>| number.map_or_else(|| "-".to_owned(), shown);
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} |",
            row.name,
            shown(row.value),
            row.unit,
            row.goal.text(),
            if row.is_met() { "yes" } else { "NO" },
            optional(row.counterpart),
            optional(row.ratio()),
        )
        .expect("writing to a String never fails");
    }
    text
}

#[derive(Serialize)]
struct Figure {
    name: &'static str,
    value: f64,
    unit: &'static str,
    /// A bound on the ratio where there is one to compare, on the value otherwise.
    goal: Option<f64>,
    counterpart: Option<f64>,
    ratio: Option<f64>,
}

/// Only what this run measured: figures of two runs are not comparable.
pub(crate) fn write_json(file: &Path, rows: &[Row]) -> anyhow::Result<()> {
    let figures: Vec<_> = rows
        .iter()
        .map(|row| Figure {
            name: row.name,
            value: rounded(row.value),
            unit: row.unit,
            goal: row.goal.bound(),
            counterpart: row.counterpart.map(rounded),
            ratio: row.ratio().map(rounded),
        })
        .collect();
    let text = format!("{:#}\n", json!(figures));
    std::fs::write(file, text).with_context(|| format!("could not write {}", file.display()))
}

/// Three digits that mean something; the fourth is noise on any machine.
fn shown(number: f64) -> String {
    match number {
        n if n >= 100.0 => format!("{n:.0}"),
        n if n >= 10.0 => format!("{n:.1}"),
        n => format!("{n:.2}"),
    }
}

fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}
