//! What a page says of moments.

use std::borrow::Borrow;
use std::time::Duration;

use crate::admin::frame::When;
use crate::clock::Timestamp;

/// What a page says of a moment.
pub(super) trait OnPage {
    /// The moment itself.
    fn shown(self) -> When;

    /// How long ago it was, in the largest unit.
    fn age(self, now: impl Borrow<Timestamp>) -> String;

    /// Of the end of a certificate: that it has come, or is near.
    fn ending(self, now: impl Borrow<Timestamp>) -> Option<&'static str>;
}

/// A certificate that ends within this time is near its end.
const NEAR: Duration = Duration::from_hours(14 * 24);

impl OnPage for Timestamp {
    fn shown(self) -> When {
        When(self)
    }

    fn age(self, now: impl Borrow<Self>) -> String {
        span(now.borrow().since(self))
    }

    fn ending(self, now: impl Borrow<Self>) -> Option<&'static str> {
        let now = *now.borrow();
        if self <= now {
            return Some("expired");
        }
        (self <= now.plus(NEAR)).then_some("ends soon")
    }
}

/// A span of time, in its largest unit.
fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        86_400.. => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_told_in_its_largest_unit() {
        let told = |seconds| span(Duration::from_secs(seconds));
        let expected = ["59 s", "1 min", "59 min", "1 h", "23 h", "1 days", "400 days"];
        let spans = [59, 60, 3599, 3600, 86_399, 86_400, 34_560_000];
        assert_eq!(spans.map(told), expected);
    }

    #[test]
    fn a_certificate_near_its_end_says_so() {
        let now = Timestamp(1_000_000);
        let ending = |seconds: i64| Timestamp(1_000_000 + seconds).ending(now);
        let day = 86_400;
        assert_eq!([0, 14 * day, 15 * day].map(ending), [Some("expired"), Some("ends soon"), None]);
    }
}
