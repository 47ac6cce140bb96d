//! Log lines, as text or JSON. Written by hand because a line is written for every request: each
//! value goes straight into the buffer, and whatever came from outside is escaped on its way.

use std::cell::RefCell;
use std::fmt;
use std::fmt::Write;
use std::time::Duration;

use tracing::Event;
use tracing::Level;
use tracing::Subscriber;
use tracing::field::Field;
use tracing::field::Visit;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::clock::Clock;
use crate::clock::Timestamp;
use crate::observe::audit;
use crate::observe::log::Format;
use crate::observe::log::Logging;

/// Writes every event as one line.
#[derive(Debug)]
pub struct Lines {
    format: Format,
    clock: Clock,
    logging: Logging,
}

impl Lines {
    /// Writes lines of this shape into `logging`.
    pub fn new(format: Format, logging: Logging) -> Self {
        Self { format, clock: Clock::system(), logging }
    }
}

thread_local! {
    /// A thread's line in the making: its memory is used again.
    static LINE: RefCell<String> = RefCell::new(String::with_capacity(1024));
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let meta = event.metadata();
        LINE.with_borrow_mut(|line| {
            line.clear();
            let mut fields = Fields { format: self.format, line, failed: false };
            fields.head(self.clock.now(), meta.level().as_str(), meta.target());
            event.record(&mut fields);
            line.push_str(if self.format == Format::Json { "}\n" } else { "\n" });
            let important = *meta.level() <= Level::WARN || meta.target() == audit::TARGET;
            self.logging.append(line.as_bytes(), important);
        });
    }
}

struct Fields<'l> {
    format: Format,
    line: &'l mut String,
    failed: bool,
}

impl Fields<'_> {
    fn head(&mut self, now: Timestamp, level: &str, target: &str) {
        let result = match self.format {
            Format::Json => write!(
                self.line,
                r#"{{"timestamp":"{}","level":"{level}","target":"{target}""#,
                Moment(now)
            ),
            Format::Text => write!(self.line, "{} {level:>5} {target}", Moment(now)),
        };
        self.failed |= result.is_err();
    }

    /// Begins a field; its value is written next.
    fn begin(&mut self, name: &str) {
        match self.format {
            Format::Json => {
                self.line.push_str(",\"");
                self.line.push_str(name);
                self.line.push_str("\":");
            }
            Format::Text => {
                self.line.push(' ');
                if name != "message" {
                    self.line.push_str(name);
                    self.line.push('=');
                }
            }
        }
    }

    fn quoted(&mut self, value: impl fmt::Display) {
        self.line.push('"');
        self.failed |= write!(Escaped(self.line), "{value}").is_err();
        self.line.push('"');
    }

    /// Text stays bare where nothing in it could be taken for something else.
    fn text(&mut self, name: &str, value: &str) {
        let plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\' | b'=');
        let words = |b: u8| plain(b) || b == b' ';
        let bare = match name {
            "message" => value.bytes().all(words),
            _ => !value.is_empty() && value.bytes().all(plain),
        };
        if self.format == Format::Text && bare {
            self.line.push_str(value);
        } else {
            self.quoted(value);
        }
    }
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.begin(field.name());
        self.text(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.begin(field.name());
        self.failed |= write!(self.line, "{value}").is_err();
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.begin(field.name());
        self.failed |= write!(self.line, "{value}").is_err();
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.begin(field.name());
        self.line.push_str(if value { "true" } else { "false" });
    }

    /// `%value` and `?value` both come here.
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.begin(field.name());
        let mut shown = String::new();
        self.failed |= write!(shown, "{value:?}").is_err();
        self.text(field.name(), &shown);
    }
}

/// Escapes as JSON does, and what could steer a terminal as well.
struct Escaped<'l>(&'l mut String);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '"' => self.0.push_str("\\\""),
                '\\' => self.0.push_str("\\\\"),
                '\n' => self.0.push_str("\\n"),
                '\r' => self.0.push_str("\\r"),
                '\t' => self.0.push_str("\\t"),
                c if c.is_control() || is_formatting(c) => {
                    let mut units = [0; 2];
                    for unit in c.encode_utf16(&mut units) {
                        write!(self.0, "\\u{unit:04x}")?;
                    }
                }
                c => self.0.push(c),
            }
        }
        Ok(())
    }
}

/// Line and direction marks that reorder what a person reads.
fn is_formatting(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// RFC 3339 in UTC, to the second.
#[derive(Clone, Copy, Debug)]
pub struct Moment(pub Timestamp);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rest = self.0.0.max(0) % DAY;
        let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
        write!(f, "{}T{hour:02}:{minute:02}:{second:02}Z", civil_date(self.0))
    }
}

/// The day of a moment in UTC, as `2026-11-22`.
pub fn civil_date(moment: Timestamp) -> impl fmt::Display {
    let (year, month, day) = civil(moment.0.max(0) / DAY);
    fmt::from_fn(move |f| write!(f, "{year:04}-{month:02}-{day:02}"))
}

const DAY: i64 = Duration::from_hours(24).as_secs().cast_signed();

/// Year, month and day of a day number since 1970 (the proleptic Gregorian calendar, counted in eras
/// of 400 years that begin in March).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    fn logged(format: Format, log: impl FnOnce()) -> String {
        let logging = Logging::default();
        let lines = Lines {
            format,
            clock: Clock::manual(Timestamp(1_795_383_233)),
            logging: logging.clone(),
        };
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), log);
        logging.take()
    }

    #[test]
    fn a_line_is_one_json_object_whatever_came_from_outside() {
        let path = "/a\"b\r\nforged\u{202e}\u{1b}[2J";
        let line =
            logged(Format::Json, || tracing::info!(path, status = 200_u16, ok = true, "request"));
        assert_eq!(line.matches('\n').count(), 1);
        let parsed: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(parsed["timestamp"], "2026-11-22T21:33:53Z");
        assert_eq!(
            (&parsed["path"], &parsed["status"], &parsed["ok"]),
            (&path.into(), &200.into(), &true.into())
        );
    }

    #[test]
    fn r331_text_cannot_forge_a_line_or_a_field() {
        let line = logged(
            Format::Text,
            || tracing::warn!(user = "a b=c\nroot", rule = %"x y", "two words"),
        );
        assert!(line.ends_with(" two words user=\"a b=c\\nroot\" rule=\"x y\"\n"), "{line}");
        assert_eq!(line.matches('\n').count(), 1);
    }

    #[test]
    fn days_become_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(20_779), (2026, 11, 22));
    }
}
