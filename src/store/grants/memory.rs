//! Records in this process's memory: one bounded table a kind.

use crate::clock::Timestamp;
use crate::store::Handles;
use crate::store::grants::Key;
use crate::store::grants::Kind;
use crate::store::grants::Record;
use crate::store::grants::Spending;

/// What a record takes beside its data, in bytes, roughly.
const OVERHEAD: usize = 400;

/// The records of this process.
#[derive(Debug)]
pub(super) struct MemoryGrants([Handles<Record>; Kind::ALL.len()]);

impl MemoryGrants {
    pub(super) fn new() -> Self {
        Self(Kind::ALL.map(|kind| {
            let weigh = |record: &Record| record.data.len() + OVERHEAD;
            Handles::weighed(capacity(kind), kind.share(), weigh)
        }))
    }

    pub(super) fn keep(&self, kind: Kind, handle: &str, record: Record, now: Timestamp) {
        let (owner, ends_at) = (record.owner.clone(), record.ends_at);
        self.table(kind).keep_under(Key::of(kind, handle).0, (&owner, record), ends_at, now);
    }

    pub(super) fn keep_new(
        &self,
        kind: Kind,
        handle: &str,
        record: Record,
        now: Timestamp,
    ) -> bool {
        let (owner, ends_at) = (record.owner.clone(), record.ends_at);
        self.table(kind).keep_new_under(Key::of(kind, handle).0, (&owner, record), ends_at, now)
    }

    pub(super) fn find(&self, kind: Kind, handle: &str, now: Timestamp) -> Option<Record> {
        self.table(kind).with_key(Key::of(kind, handle).0, now, |record| record.clone())
    }

    pub(super) fn spend(&self, kind: Kind, handle: &str, now: Timestamp) -> Spending {
        let spent = self.table(kind).with_key(Key::of(kind, handle).0, now, |record| {
            let before = std::mem::replace(&mut record.spent, true);
            let record = record.clone();
            if before { Spending::Again(record) } else { Spending::First(record) }
        });
        spent.unwrap_or(Spending::Unknown)
    }

    pub(super) fn replace(&self, kind: Kind, handle: &str, seen: &Record, new: Record) -> bool {
        let version = seen.version + 1;
        let new = Record { version, owner: seen.owner.clone(), ..new };
        self.table(kind).replace(Key::of(kind, handle).0, new.ends_at, |record| {
            let unchanged = record.version == seen.version && record.spent == seen.spent;
            if unchanged {
                *record = new;
            }
            unchanged
        })
    }

    pub(super) fn remove(&self, kind: Kind, key: Key) -> bool {
        self.table(kind).remove(key.0)
    }

    pub(super) fn select(
        &self,
        kind: Kind,
        now: Timestamp,
        wanted: impl Fn(&Record) -> bool,
    ) -> Vec<(Key, Record)> {
        let found = self.table(kind).select(now, wanted);
        found.into_iter().map(|(key, record)| (Key(key), record)).collect()
    }

    fn table(&self, kind: Kind) -> &Handles<Record> {
        let [
            grants,
            codes,
            reference,
            refresh,
            devices,
            typed,
            consents,
            pushed,
            ids,
            revoked,
            resets,
        ] = &self.0;
        match kind {
            Kind::Grant => grants,
            Kind::Code => codes,
            Kind::ReferenceToken => reference,
            Kind::RefreshToken => refresh,
            Kind::DeviceCode => devices,
            Kind::UserCode => typed,
            Kind::Consent => consents,
            Kind::PushedRequest => pushed,
            Kind::UsedId => ids,
            Kind::RevokedToken => revoked,
            Kind::PasswordReset => resets,
        }
    }
}

/// How many bytes a kind may take.
const fn capacity(kind: Kind) -> usize {
    const MIB: usize = 1024 * 1024;
    match kind {
        Kind::Code | Kind::DeviceCode | Kind::UserCode | Kind::PasswordReset => 16 * MIB,
        Kind::ReferenceToken
        | Kind::RefreshToken
        | Kind::Consent
        | Kind::PushedRequest
        | Kind::RevokedToken => 32 * MIB,
        Kind::UsedId => 64 * MIB,
        Kind::Grant => 128 * MIB,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1);

    fn record(session: &str) -> Record {
        Record {
            session: session.to_owned(),
            owner: session.to_owned(),
            ends_at: Timestamp(100),
            ..Record::default()
        }
    }

    #[test]
    fn a_record_is_spent_once_and_known_afterwards() {
        let grants = MemoryGrants::new();
        grants.keep(Kind::Code, "a", record("s"), NOW);
        assert!(matches!(grants.spend(Kind::Code, "a", NOW), Spending::First(_)));
        assert!(matches!(grants.spend(Kind::Code, "a", NOW), Spending::Again(_)));
        assert_eq!(grants.spend(Kind::Code, "a", Timestamp(100)), Spending::Unknown);
        assert_eq!(grants.spend(Kind::RefreshToken, "a", NOW), Spending::Unknown);
    }

    #[test]
    fn of_two_who_replace_what_they_saw_one_does() {
        let grants = MemoryGrants::new();
        grants.keep(Kind::RefreshToken, "a", record("s"), NOW);
        let seen = grants.find(Kind::RefreshToken, "a", NOW).unwrap();
        let longer = Record { ends_at: Timestamp(200), ..seen.clone() };
        assert!(grants.replace(Kind::RefreshToken, "a", &seen, longer.clone()));
        assert!(!grants.replace(Kind::RefreshToken, "a", &seen, longer));
        assert!(grants.find(Kind::RefreshToken, "a", Timestamp(150)).is_some());
    }

    #[test]
    fn an_id_is_new_once_until_its_end() {
        let grants = MemoryGrants::new();
        assert!(grants.keep_new(Kind::UsedId, "j", record("c"), NOW));
        assert!(!grants.keep_new(Kind::UsedId, "j", record("c"), NOW));
        let later = Record { ends_at: Timestamp(300), ..record("c") };
        assert!(grants.keep_new(Kind::UsedId, "j", later, Timestamp(100)));
    }

    #[test]
    fn a_sessions_records_are_found_and_dropped_by_key() {
        let grants = MemoryGrants::new();
        grants.keep(Kind::Grant, "a", record("s"), NOW);
        grants.keep(Kind::Grant, "b", record("t"), NOW);
        let found = grants.select(Kind::Grant, NOW, |r| r.session == "s");
        assert_eq!(found.len(), 1);
        assert!(grants.remove(Kind::Grant, found[0].0));
        assert!(grants.find(Kind::Grant, "a", NOW).is_none());
        assert!(grants.find(Kind::Grant, "b", NOW).is_some());
    }

    #[test]
    fn what_was_replaced_last_is_not_its_owners_oldest() {
        let grants = MemoryGrants::new();
        for handle in ["used", "idle"] {
            grants.keep(Kind::RefreshToken, handle, record("s"), NOW);
        }
        let seen = grants.find(Kind::RefreshToken, "used", NOW).unwrap();
        assert!(grants.replace(Kind::RefreshToken, "used", &seen, seen.clone()));
        for number in 0..Kind::RefreshToken.share() - 1 {
            grants.keep(Kind::RefreshToken, &number.to_string(), record("s"), NOW);
        }
        assert!(grants.find(Kind::RefreshToken, "used", NOW).is_some());
        assert!(grants.find(Kind::RefreshToken, "idle", NOW).is_none());
    }
}
