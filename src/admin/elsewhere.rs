//! The sessions of the other gateways that share the store, as the register tells of them.

use crate::admin::Admin;
use crate::admin::listing::Wanted;
use crate::clock::Timestamp;
use crate::store::StoreError;
use crate::store::register::Registered;
use crate::users::local;

/// Sessions that are looked through.
pub(super) const LOOKED_AT: usize = 1_000;

/// What is known of other gateways.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    /// Their sessions that are looked for, those that began last first.
    pub(super) sessions: Vec<Registered>,
    /// Whether there are more than can be shown, or looked through.
    pub(super) more: bool,
    /// Whether the register could not be read.
    pub(super) unknown: bool,
}

impl Admin {
    /// The sessions of other gateways that are `wanted`: of the last ones, and of the user who is
    /// named in full; `limit` at most. `prefix` is what comes before names without a domain.
    pub(super) async fn elsewhere(
        &self,
        wanted: &Wanted,
        (prefix, limit): (&str, usize),
        now: Timestamp,
    ) -> Elsewhere {
        self.look_elsewhere(wanted, (prefix, limit), now).await.unwrap_or_else(|error| {
            tracing::warn!(error = ?error, "the sessions of other gateways are not known just now");
            Elsewhere { unknown: true, ..Elsewhere::default() }
        })
    }

    async fn look_elsewhere(
        &self,
        wanted: &Wanted,
        (prefix, limit): (&str, usize),
        now: Timestamp,
    ) -> Result<Elsewhere, StoreError> {
        let Some(register) = &self.parts.register else { return Ok(Elsewhere::default()) };
        let instance = &self.parts.instance;
        let mut sessions = register.elsewhere(instance, None, LOOKED_AT, now).await?;
        let mut more = sessions.len() >= LOOKED_AT;
        if more && !wanted.user.is_empty() {
            let name = local::full_name(prefix, &wanted.user);
            let named = register.elsewhere(instance, Some(&name), LOOKED_AT, now).await?;
            sessions.extend(named);
            sessions.sort_by(|a, b| b.began_at.cmp(&a.began_at).then_with(|| a.id.cmp(&b.id)));
            sessions.dedup_by(|a, b| a.id == b.id);
        }
        sessions.retain(|row| wanted.fits_row(row));
        more |= sessions.len() > limit;
        sessions.truncate(limit);
        Ok(Elsewhere { sessions, more, unknown: false })
    }
}
