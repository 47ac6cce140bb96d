//! A small bar chart as inline SVG. Its numbers stand in a table too, and in its description.

use std::fmt::Write;

use crate::admin::funnel::caption;
use crate::observe::funnel::Stage;
use crate::observe::funnel::Told;

/// A chart of the stages of one way.
pub(super) struct Chart {
    /// Its id on the page.
    pub(super) id: String,
    /// Its name.
    pub(super) title: String,
    /// What it shows, in words.
    pub(super) description: String,
    /// What stands above it.
    pub(super) caption: &'static str,
    /// The bars, from above.
    pub(super) bars: Vec<Bar>,
}

/// A bar, in units of the picture.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bar {
    /// What it counts.
    pub(super) name: &'static str,
    /// How many.
    pub(super) count: u64,
    /// Its upper edge.
    pub(super) top: u64,
    /// Its length.
    pub(super) width: u64,
    /// Where its number begins.
    pub(super) end: u64,
}

/// From one bar to the next.
const ROW: u64 = 24;
/// Where the bars begin, beside their names.
const LEFT: u64 = 110;
/// The length of the longest bar.
const LONGEST: u64 = 190;

impl Chart {
    /// The chart of what is `told` about `way`.
    pub(super) fn new(id: String, caption: &'static str, way: &str, told: &Told) -> Self {
        let bars = bars(told);
        let mut description = String::new();
        for Bar { name, count, .. } in &bars {
            let _infallible = write!(description, "{name}: {count}. ");
        }
        let title = format!("{way}: {}", caption.to_lowercase());
        Self { id, title, description: description.trim_end().to_owned(), caption, bars }
    }
}

fn bars(told: &Told) -> Vec<Bar> {
    let most = told.stages.iter().copied().max().unwrap_or_default().max(1);
    let stages = Stage::ALL.into_iter().zip(told.stages);
    let bar = |((stage, count), row): ((Stage, u64), u64)| {
        let width = count.saturating_mul(LONGEST) / most;
        // Few beside many are to be seen.
        let width = if count > 0 { width.max(2) } else { 0 };
        Bar { name: caption(stage), count, top: row * ROW, width, end: LEFT + width + 6 }
    };
    stages.zip(0..).map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_share_and_few_are_still_seen() {
        let told = Told { stages: [1000, 500, 1, 0, 0], ..Told::default() };
        let chart = Chart::new("chart-1".to_owned(), "Last day", "shell · Okta", &told);
        let widths: Vec<u64> = chart.bars.iter().map(|bar| bar.width).collect();
        assert_eq!(widths, [190, 95, 2, 0, 0]);
        assert_eq!(chart.title, "shell · Okta: last day");
        let described = "Started: 1000. At the provider: 500. Back: 1. Session: 0. First page: 0.";
        assert_eq!(chart.description, described);
    }

    #[test]
    fn nothing_is_no_bar() {
        let chart = Chart::new("c".to_owned(), "Last hour", "", &Told::default());
        assert!(chart.bars.iter().all(|bar| bar.width == 0));
    }
}
