//! The page "Sign-in funnel": how far sign-ins came in the last hour and day, for each site and
//! provider, and why the others failed.

mod chart;

use std::collections::BTreeMap;
use std::time::Duration;

use askama::Template;

use crate::admin::Admin;
use crate::admin::frame::Frame;
use crate::admin::funnel::chart::Chart;
use crate::admin::moment::OnPage;
use crate::clock::Timestamp;
use crate::http::Response;
use crate::observe::funnel::DAY;
use crate::observe::funnel::Funnel;
use crate::observe::funnel::Stage;
use crate::observe::funnel::Told;

#[derive(Template)]
#[template(path = "funnel.html")]
struct FunnelPage<'a> {
    frame: &'a Frame<'a>,
    began: Timestamp,
    ways: Vec<WayRow>,
    /// Ways that a page has no room for.
    left_out: usize,
}

/// What happened on one way.
struct WayRow {
    title: String,
    charts: [Chart; 2],
    /// Each stage: the last hour, the last day.
    stages: Vec<(&'static str, u64, u64)>,
    /// Each reason: the last hour, the last day.
    failures: Vec<(&'static str, u64, u64)>,
}

const HOUR: Duration = Duration::from_hours(1);

/// Ways on a page, the busiest first.
const MOST_WAYS: usize = 100;

impl Admin {
    pub(super) fn funnel(&self, frame: &Frame<'_>) -> Response {
        let recent = &self.parts.metrics.recent;
        let (ways, left_out) = ways(&recent.funnel, frame.visit.exchange.now);
        let began = recent.reloads.story().began;
        frame.show(&FunnelPage { frame, began, ways, left_out })
    }
}

/// All together, where there are several, and each way where anything happened in a day.
fn ways(funnel: &Funnel, now: Timestamp) -> (Vec<WayRow>, usize) {
    let mut days = funnel.since(DAY, now);
    let hours = funnel.since(HOUR, now);
    days.sort_by_key(|day| std::cmp::Reverse((day.stages.first().copied(), failed(day))));
    let left_out = days.len().saturating_sub(MOST_WAYS);
    let mut rows = Vec::new();
    if days.len() > 1 {
        rows.push(row("All sites and providers", &sum(&hours), &sum(&days), 0));
    }
    for (number, day) in days.iter().take(MOST_WAYS).enumerate() {
        let same = |hour: &&Told| hour.site == day.site && hour.provider == day.provider;
        let hour = hours.iter().find(same).cloned().unwrap_or_default();
        let provider = if day.provider.is_empty() { "no provider known" } else { &day.provider };
        rows.push(row(&format!("{} · {provider}", day.site), &hour, day, number + 1));
    }
    (rows, left_out)
}

fn row(title: &str, hour: &Told, day: &Told, number: usize) -> WayRow {
    let names = Stage::ALL.map(caption);
    let counts = hour.stages.iter().zip(day.stages);
    let stages = names.into_iter().zip(counts);
    let failures = day.failures.iter().map(|(reason, count)| {
        (*reason, hour.failures.get(reason).copied().unwrap_or_default(), *count)
    });
    WayRow {
        title: title.to_owned(),
        charts: [
            Chart::new(format!("chart-{number}-hour"), "Last hour", title, hour),
            Chart::new(format!("chart-{number}-day"), "Last day", title, day),
        ],
        stages: stages.map(|(name, (hour, day))| (name, *hour, day)).collect(),
        failures: failures.collect(),
    }
}

const fn caption(stage: Stage) -> &'static str {
    match stage {
        Stage::Started => "Started",
        Stage::AtProvider => "At the provider",
        Stage::Back => "Back",
        Stage::Session => "Session",
        Stage::FirstPage => "First page",
    }
}

fn failed(told: &Told) -> u64 {
    told.failures.values().sum()
}

fn sum(ways: &[Told]) -> Told {
    let mut all = Told::default();
    let mut failures: BTreeMap<&'static str, u64> = BTreeMap::new();
    for way in ways {
        for (sum, count) in all.stages.iter_mut().zip(way.stages) {
            *sum = sum.saturating_add(count);
        }
        for (reason, count) in &way.failures {
            *failures.entry(reason).or_default() += count;
        }
    }
    Told { failures, ..all }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::funnel::Way;

    const NOW: Timestamp = Timestamp(1_800_000_000);

    #[test]
    fn the_busiest_way_comes_first_below_the_sum_of_all() {
        let funnel = Funnel::default();
        let (shell, website) =
            (Way { site: "shell", provider: "Okta" }, Way { site: "website", provider: "" });
        funnel.failed(website, "state_unknown", NOW.minus(2 * HOUR));
        for _ in 0..3 {
            funnel.reached(shell, Stage::Started, NOW);
        }
        funnel.reached(shell, Stage::AtProvider, NOW);
        let (rows, left_out) = ways(&funnel, NOW);
        let titles: Vec<&str> = rows.iter().map(|row| row.title.as_str()).collect();
        let expected = ["All sites and providers", "shell · Okta", "website · no provider known"];
        assert_eq!((titles.as_slice(), left_out), (expected.as_slice(), 0));
        assert_eq!(rows[0].stages[..2], [("Started", 3, 3), ("At the provider", 1, 1)]);
        assert_eq!(rows[0].failures, [("state_unknown", 0, 1)]);
        assert_eq!(rows[2].failures, [("state_unknown", 0, 1)]);
    }

    #[test]
    fn a_page_has_room_for_a_hundred_ways() {
        let funnel = Funnel::default();
        for number in 0..120 {
            let site = number.to_string();
            funnel.reached(Way { site: &site, provider: "Okta" }, Stage::Started, NOW);
        }
        let (rows, left_out) = ways(&funnel, NOW);
        assert_eq!((rows.len(), left_out), (101, 20));
    }
}
