//! Moments in JSON.

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::Error;

use crate::clock::Timestamp;
use crate::config;
use crate::observe::Moment;

/// A moment that is written `2026-11-23T04:10:00Z`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Date(pub Timestamp);

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Moment(self.0))
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let moment = config::moment(&text);
        moment.map(Self).ok_or_else(|| D::Error::custom(format!("`{text}` is no date")))
    }
}
