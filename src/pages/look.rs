//! How a page looks and in which language it speaks: from the site and the request.

use std::borrow::Cow;
use std::fmt::Write;

use http::HeaderValue;
use http::header;

use crate::config::model::Appearance;
use crate::config::model::Color;
use crate::config::model::Config;
use crate::config::model::Site;
use crate::http::Exchange;
use crate::pages::catalogue::Language;

/// The name, logo and colour of a site, and the language of whoever looks at it.
#[derive(Clone, Debug, Default)]
pub struct Look {
    language: Language,
    title: Option<String>,
    logo: Option<String>,
    colors: Option<String>,
}

impl Look {
    /// A page of `site` for whoever sent `exchange`, in the language of `Accept-Language`.
    pub fn of(config: &Config, site: &Site, exchange: &Exchange) -> Self {
        Self::new(&config.appearance.of(&site.name), exchange.headers.get(header::ACCEPT_LANGUAGE))
    }

    /// A page that looks like `appearance`, in the language of an `Accept-Language` header.
    pub fn new(appearance: &Appearance, accept_language: Option<&HeaderValue>) -> Self {
        let wishes = accept_language.and_then(|wishes| wishes.to_str().ok());
        Self {
            language: wishes.and_then(Language::wanted).unwrap_or_default(),
            title: appearance.title.clone(),
            logo: appearance.logo.clone(),
            colors: appearance.color.map(colors),
        }
    }

    /// The same in the first language of `ui_locales` that is spoken here (OpenID Connect Core
    /// §3.1.2.1: separated by spaces, in order of preference), when there is one.
    #[must_use]
    pub fn speaking(self, ui_locales: Option<&str>) -> Self {
        let mut wishes = ui_locales.unwrap_or_default().split(' ');
        let language = wishes.by_ref().take(MOST_LOCALES).find_map(Language::wanted);
        Self { language: language.unwrap_or(self.language), ..self }
    }

    /// The language.
    pub fn language(&self) -> Language {
        self.language
    }

    /// The language's tag.
    pub(crate) fn lang(&self) -> &'static str {
        self.language.tag()
    }

    /// The owner's name for the site; empty without one.
    pub(crate) fn title(&self) -> &str {
        self.title.as_deref().unwrap_or_default()
    }

    pub(crate) fn logo(&self) -> Option<&str> {
        self.logo.as_deref()
    }

    /// A stylesheet with the owner's colour; nothing but CSS that was made here.
    pub(crate) fn colors(&self) -> Option<&str> {
        self.colors.as_deref()
    }

    /// The text called `key`.
    pub(crate) fn say(&self, key: &str) -> Cow<'static, str> {
        self.language.say(key, &[])
    }

    /// The text called `key` with one value in it.
    pub(crate) fn with(&self, key: &str, name: &str, value: impl AsRef<str>) -> Cow<'static, str> {
        self.language.say(key, &[(name, value.as_ref())])
    }
}

/// Languages of `ui_locales` that are looked at.
const MOST_LOCALES: usize = 16;

/// The grounds that links stand on, as in the stylesheet: light and dark.
const LIGHT: Color = Color::WHITE;
const DARK: Color = Color([0x1d, 0x21, 0x29]);

/// Buttons have the colour itself, links a shade of it that can be read.
fn colors(color: Color) -> String {
    let (fill, text) = (color.css(), color.text_on().css());
    let (light, dark) = (color.readable_on(LIGHT).css(), color.readable_on(DARK).css());
    let mut css = format!(":root{{--fill:{fill};--on-fill:{text};--accent:{light}}}");
    let dark = format!("@media (prefers-color-scheme:dark){{:root{{--accent:{dark}}}}}");
    let _infallible = write!(css, "{dark}");
    css
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_that_of_ui_locales_else_of_the_browser() {
        let german = HeaderValue::from_static("de-DE,en;q=0.5");
        let look = Look::new(&Appearance::default(), Some(&german));
        assert_eq!(look.language(), Language::German);
        assert_eq!(look.clone().speaking(None).language(), Language::German);
        assert_eq!(look.clone().speaking(Some("sv fr-CA da")).language(), Language::French);
        assert_eq!(look.speaking(Some("sv <x> é")).language(), Language::German);
        let unreadable = HeaderValue::from_bytes(b"\xff").unwrap();
        let look = Look::new(&Appearance::default(), Some(&unreadable));
        assert_eq!(look.language(), Language::English);
    }

    #[test]
    fn a_pale_colour_has_black_text_and_darker_links() {
        let css = colors(Color::read("#ffcc00").unwrap());
        assert!(css.starts_with(":root{--fill:#ffcc00;--on-fill:#000000;--accent:#"), "{css}");
        assert!(!css.contains("--accent:#ffcc00}@"), "{css}");
        assert!(css.ends_with("--accent:#ffcc00}}"), "it is read well on dark: {css}");
    }
}
