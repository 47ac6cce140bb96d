//! The words of the pages, in every language that the program speaks, and which of them a browser
//! wants (RFC 9110 §12.5.4, Fluent).

use std::borrow::Cow;
use std::sync::LazyLock;

use fluent_bundle::FluentArgs;
use fluent_bundle::FluentResource;
use fluent_bundle::concurrent::FluentBundle;
use fluent_langneg::LanguageIdentifier;
use fluent_langneg::NegotiationStrategy;
use fluent_langneg::negotiate_languages;

/// A language that the pages speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// What is spoken when nothing else is wanted.
    #[default]
    English,
    /// Danish.
    Danish,
    /// German.
    German,
    /// French.
    French,
    /// Japanese.
    Japanese,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::English, Self::Danish, Self::German, Self::French, Self::Japanese];

    /// Its tag (BCP 47).
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Danish => "da",
            Self::German => "de",
            Self::French => "fr",
            Self::Japanese => "ja",
        }
    }

    /// The best for a list of wishes such as `de-AT,de;q=0.9,en;q=0.5`, the strongest wish first;
    /// `None` when none of them is spoken here.
    pub fn wanted(wishes: &str) -> Option<Self> {
        let mut wishes: Vec<(u16, LanguageIdentifier)> =
            wishes.split(',').take(MOST_WISHES).filter_map(wish).collect();
        wishes.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        let wishes: Vec<LanguageIdentifier> = wishes.into_iter().map(|(_, tag)| tag).collect();
        let lookup = NegotiationStrategy::Lookup;
        let best = *negotiate_languages(&wishes, &TAGS, None, lookup).first()?;
        Self::ALL.into_iter().find(|language| best.to_string() == language.tag())
    }

    /// The text called `key`, or its attribute where the key has a dot. Words that another language
    /// lacks are English; a key that is nowhere stands for itself.
    pub(crate) fn say(self, key: &str, values: &[(&str, &str)]) -> Cow<'static, str> {
        let known = self.find(key, values).or_else(|| Self::English.find(key, values));
        known.unwrap_or_else(|| Cow::Owned(key.to_owned()))
    }

    /// As [`Self::say`], but in this language or not at all.
    pub(crate) fn find(self, key: &str, values: &[(&str, &str)]) -> Option<Cow<'static, str>> {
        let (message, attribute) =
            key.split_once('.').map_or((key, None), |(message, name)| (message, Some(name)));
        let bundle = self.bundle();
        let message = bundle.get_message(message)?;
        let pattern = match attribute {
            Some(name) => message.get_attribute(name)?.value(),
            None => message.value()?,
        };
        let arguments: FluentArgs<'_> = values.iter().copied().collect();
        let mut faults = Vec::new();
        let text = bundle.format_pattern(pattern, Some(&arguments), &mut faults);
        Some(Cow::Owned(text.into_owned()))
    }

    fn bundle(self) -> &'static FluentBundle<FluentResource> {
        match self {
            Self::English => &ENGLISH,
            Self::Danish => &DANISH,
            Self::German => &GERMAN,
            Self::French => &FRENCH,
            Self::Japanese => &JAPANESE,
        }
    }

    const fn source(self) -> &'static str {
        match self {
            Self::English => include_str!("catalogue/en.ftl"),
            Self::Danish => include_str!("catalogue/da.ftl"),
            Self::German => include_str!("catalogue/de.ftl"),
            Self::French => include_str!("catalogue/fr.ftl"),
            Self::Japanese => include_str!("catalogue/ja.ftl"),
        }
    }
}

/// Wishes that are looked at; a browser has a handful.
const MOST_WISHES: usize = 16;

static TAGS: LazyLock<Vec<LanguageIdentifier>> = LazyLock::new(|| {
    Language::ALL.iter().filter_map(|language| language.tag().parse().ok()).collect()
});

static ENGLISH: LazyLock<FluentBundle<FluentResource>> = LazyLock::new(|| read(Language::English));
static DANISH: LazyLock<FluentBundle<FluentResource>> = LazyLock::new(|| read(Language::Danish));
static GERMAN: LazyLock<FluentBundle<FluentResource>> = LazyLock::new(|| read(Language::German));
static FRENCH: LazyLock<FluentBundle<FluentResource>> = LazyLock::new(|| read(Language::French));
static JAPANESE: LazyLock<FluentBundle<FluentResource>> =
    LazyLock::new(|| read(Language::Japanese));

/// A test holds that every catalogue is read without a fault.
fn read(language: Language) -> FluentBundle<FluentResource> {
    let source = language.source().to_owned();
    let resource = FluentResource::try_new(source).unwrap_or_else(|(readable, _)| readable);
    let tags = language.tag().parse().into_iter().collect();
    let mut bundle = FluentBundle::new_concurrent(tags);
    // All of these are written from left to right, and isolating marks would end up in titles.
    bundle.set_use_isolating(false);
    bundle.add_resource_overriding(resource);
    bundle
}

/// One wish with its weight in thousandths; `None` for one that cannot be read or is refused.
fn wish(text: &str) -> Option<(u16, LanguageIdentifier)> {
    let mut parts = text.split(';').map(str::trim);
    let tag = parts.next()?.parse().ok()?;
    let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1000), thousandths)?;
    (weight > 0).then_some((weight, tag))
}

/// `0.8` → 800 (RFC 9110 §12.4.2).
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = fraction.len() <= 3 && fraction.bytes().all(|digit| digit.is_ascii_digit());
    let fraction: u16 = format!("{fraction:0<3}").parse().ok().filter(|_| digits)?;
    match whole {
        "0" => Some(fraction),
        "1" => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::collections::BTreeMap;
    use std::collections::BTreeSet;

    /// Every text of a catalogue with the variables that stand in it.
    fn texts(language: Language) -> BTreeMap<String, BTreeSet<String>> {
        let mut texts = BTreeMap::new();
        let mut message = String::new();
        for line in language.source().lines().filter(|line| !line.starts_with('#')) {
            let Some((name, text)) = line.split_once(" = ") else {
                assert!(line.is_empty(), "{language:?}: {line}");
                continue;
            };
            let key = match name.trim().strip_prefix('.') {
                Some(attribute) => format!("{message}.{attribute}"),
                None => name.to_owned(),
            };
            message = key.split('.').next().unwrap().to_owned();
            let variables = text.split("{ $").skip(1).map(|rest| {
                let (name, _) = rest.split_once(" }").expect("a variable is closed");
                name.to_owned()
            });
            let before = texts.insert(key.clone(), variables.collect());
            assert!(before.is_none(), "{language:?} says {key} twice");
        }
        texts
    }

    #[test]
    fn every_language_says_everything_with_the_same_variables() {
        let english = texts(Language::English);
        assert!(english.len() > 80, "{}", english.len());
        for language in Language::ALL {
            assert!(FluentResource::try_new(language.source().to_owned()).is_ok(), "{language:?}");
            assert_eq!(texts(language), english, "{language:?}");
        }
    }

    #[test]
    fn every_text_can_be_said() {
        for language in Language::ALL {
            for (key, variables) in texts(language) {
                let values: Vec<_> = variables.iter().map(|name| (name.as_str(), "<X>")).collect();
                let text = language.find(&key, &values).unwrap();
                assert!(!text.contains('{'), "{language:?}: {text}");
                assert_eq!(text.contains("<X>"), !variables.is_empty(), "{language:?}: {text}");
            }
        }
    }

    #[test]
    fn the_strongest_wish_that_is_spoken_here_wins() {
        let cases = [
            ("de-AT,de;q=0.9,en;q=0.5", Some(Language::German)),
            ("en;q=0.5, fr;q=0.9", Some(Language::French)),
            ("sv,da;q=0.8,en;q=0.7", Some(Language::Danish)),
            ("ja-JP", Some(Language::Japanese)),
            ("fr-CA;q=0.3;x=y,ja;q=0.2", Some(Language::French)),
            ("de;q=0,en", Some(Language::English)),
            ("en-GB", Some(Language::English)),
            ("sv", None),
            ("", None),
            ("*", None),
            ("de;q=2,en;q=x,da;q=0.12345", None),
        ];
        for (wishes, expected) in cases {
            assert_eq!(Language::wanted(wishes), expected, "{wishes}");
        }
        let flood = "x-y,".repeat(100_000) + "de";
        assert_eq!(Language::wanted(&flood), None);
    }
}
