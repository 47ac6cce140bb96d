//! `<appearance>`: the owner's name, logo and colour.

use std::sync::Arc;

use crate::config::model::Appearance;
use crate::config::model::Appearances;
use crate::config::model::Color;
use crate::config::model::appearance::READABLE;
use crate::config::read::gateway::Gateway;
use crate::config::read::ours::Ours;
use crate::config::read::report::Report;
use crate::config::read::sites::SiteDraft;
use crate::http::ReturnPath;

/// `<appearance title="…" logo="…" color="…"> <site name="…" … /> </appearance>`
pub(crate) fn appearances(
    gateway: Gateway<'_>,
    sites: &[SiteDraft],
    report: &mut Report,
) -> Appearances {
    let attributes = ["title", "logo", "color"];
    let Some(ours) = gateway.section("appearance", &attributes, &["site"], report) else {
        return Appearances::default();
    };
    let mut appearances = Appearances { everywhere: appearance(ours, report), sites: Vec::new() };
    for element in ours.children("site") {
        let own = Ours::new(element, &["name", "title", "logo", "color"], &[], report);
        let Some(name) = own.required("name", report) else { continue };
        if !sites.iter().any(|draft| draft.site.name.eq_ignore_ascii_case(name)) {
            let what = format!("name=\"{name}\" names no site");
            report.fault(own.origin_of("name"), what, "name a site of /sitecore/sites");
        }
        appearances.sites.push((Arc::from(name), appearance(own, report)));
    }
    appearances
}

fn appearance(ours: Ours<'_>, report: &mut Report) -> Appearance {
    let title = ours.text("title").filter(|title| !title.is_empty()).map(str::to_owned);
    let logo = written(ours, "logo").and_then(|_| {
        let shape = "a path on the site's host, or an https address";
        ours.parse("logo", shape, report, |text| is_picture(text).then(|| text.to_owned()))
    });
    let color =
        written(ours, "color").and_then(|_| ours.parse("color", "#rrggbb", report, Color::read));
    if let Some(color) = color.filter(|color| color.contrast(Color::WHITE) < READABLE) {
        let what = format!("color=\"{}\" cannot be read on white", color.css());
        let shade = color.readable_on(Color::WHITE).css();
        let instead = format!("buttons have it all the same; links are shown in {shade}");
        report.lint(ours.origin_of("color"), what, instead);
    }
    Appearance { title, logo, color }
}

fn written<'a>(ours: Ours<'a>, attribute: &str) -> Option<&'a str> {
    ours.text(attribute).filter(|text| !text.is_empty())
}

fn is_picture(text: &str) -> bool {
    let elsewhere = || {
        let address = url::Url::parse(text).ok();
        address.is_some_and(|url| url.scheme() == "https" && url.host().is_some())
    };
    ReturnPath::read(text).is_some() || elsewhere()
}
