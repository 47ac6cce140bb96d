//! How pages look: an owner's name, logo and colour, for all sites or for one.

use std::sync::Arc;

/// What an owner wrote under `<appearance>`.
#[derive(Clone, Debug, Default)]
pub struct Appearances {
    /// For every site that says nothing else.
    pub everywhere: Appearance,
    /// For single sites, by name.
    pub sites: Vec<(Arc<str>, Appearance)>,
}

/// How the pages of a site look. What is absent is the program's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Appearance {
    /// The name that stands above a page and in its title.
    pub title: Option<String>,
    /// The picture above a page: a path on the site's host, or an https address.
    pub logo: Option<String>,
    /// The colour of buttons and links.
    pub color: Option<Color>,
}

impl Appearances {
    /// How the pages of `site` look.
    pub fn of(&self, site: &str) -> Appearance {
        let mut known = self.sites.iter();
        let own = known.find(|(name, _)| name.eq_ignore_ascii_case(site)).map(|(_, own)| own);
        let own = own.cloned().unwrap_or_default();
        let Appearance { title, logo, color } = self.everywhere.clone();
        Appearance {
            title: own.title.or(title),
            logo: own.logo.or(logo),
            color: own.color.or(color),
        }
    }
}

/// A colour in sRGB: red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color(pub [u8; 3]);

impl Color {
    /// Black.
    pub const BLACK: Self = Self([0; 3]);
    /// White.
    pub const WHITE: Self = Self([255; 3]);

    /// Reads `#rgb` or `#rrggbb`.
    pub fn read(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        let digits: Vec<u8> = digits.chars().map(digit).collect::<Option<_>>()?;
        match digits.as_slice() {
            [r, g, b] => Some(Self([r * 17, g * 17, b * 17])),
            [r, red, g, green, b, blue] => {
                Some(Self([r * 16 + red, g * 16 + green, b * 16 + blue]))
            }
            _ => None,
        }
    }

    /// `#rrggbb`.
    pub fn css(self) -> String {
        let Self([red, green, blue]) = self;
        format!("#{red:02x}{green:02x}{blue:02x}")
    }

    /// The contrast of the two, from 1 to 21 (WCAG 2.2, contrast ratio).
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// Black or white, whichever is read better on it. One of them always has a contrast of 4.58.
    #[must_use]
    pub fn text_on(self) -> Self {
        if self.contrast(Self::WHITE) >= self.contrast(Self::BLACK) {
            Self::WHITE
        } else {
            Self::BLACK
        }
    }

    /// This colour where it can be read on `ground` (4.5, WCAG 2.2 success criterion 1.4.3), else
    /// the first shade of it towards black or white that can.
    #[must_use]
    pub fn readable_on(self, ground: Self) -> Self {
        let towards = ground.text_on();
        let mut shades = (0..=20).map(|twentieths| self.mixed(towards, twentieths));
        shades.find(|shade| shade.contrast(ground) >= READABLE).unwrap_or(towards)
    }

    fn mixed(self, other: Self, twentieths: u16) -> Self {
        let Self([red, green, blue]) = self;
        let Self([other_red, other_green, other_blue]) = other;
        let mix = |own: u8, other: u8| {
            let sum = u16::from(own) * (20 - twentieths) + u16::from(other) * twentieths;
            u8::try_from(sum / 20).unwrap_or(u8::MAX)
        };
        Self([mix(red, other_red), mix(green, other_green), mix(blue, other_blue)])
    }

    /// Relative luminance (WCAG 2.2).
    fn luminance(self) -> f64 {
        let Self([red, green, blue]) = self;
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }
}

/// The contrast that text must have.
pub const READABLE: f64 = 4.5;

fn digit(digit: char) -> Option<u8> {
    digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_as_css_reads_them() {
        assert_eq!(Color::read("#1f4fbf"), Some(Color([0x1f, 0x4f, 0xbf])));
        assert_eq!(Color::read("#FA0").map(Color::css).as_deref(), Some("#ffaa00"));
        for wrong in ["", "#", "#12", "1f4fbf", "#1f4fb", "#1f4fbf00", "red", "#ggg", "#é00"] {
            assert_eq!(Color::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn contrast_is_measured_as_wcag_measures_it() {
        let near = |color: &str, ratio: f64| {
            let measured = Color::read(color).unwrap().contrast(Color::WHITE);
            assert!((measured - ratio).abs() < 0.01, "{color}: {measured}");
        };
        near("#000", 21.0);
        near("#fff", 1.0);
        near("#767676", 4.54);
        near("#ffcc00", 1.51);
    }

    #[test]
    fn every_colour_has_readable_text_and_a_readable_shade() {
        for red in (0..=255).step_by(15) {
            for green in (0..=255).step_by(15) {
                for blue in (0..=255).step_by(15) {
                    let color = Color([red, green, blue]);
                    assert!(color.contrast(color.text_on()) >= READABLE, "{color:?}");
                    for ground in ["#fff", "#1d2129", "#777"] {
                        let ground = Color::read(ground).unwrap();
                        assert!(ground.contrast(color.readable_on(ground)) >= 4.4, "{color:?}");
                    }
                }
            }
        }
        let blue = Color::read("#1f4fbf").unwrap();
        assert_eq!(blue.readable_on(Color::WHITE), blue, "what can be read stays as it is");
    }
}
