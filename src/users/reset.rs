//! One-time links by which a person chooses a new password: good for an hour, for one use, and for
//! the password that was there when they were made.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::crypto::digest;
use crate::crypto::random;
use crate::store::StoreError;
use crate::store::accounts::Account;
use crate::store::accounts::Accounts;
use crate::store::grants::Grants;
use crate::store::grants::Kind;
use crate::store::grants::Record;
use crate::store::grants::Spending;
use crate::users::subject;

/// How long a link is good.
pub const LIFETIME: Duration = Duration::from_hours(1);

/// Makes the code of a link for `account`: 256 random bits as 64 hexadecimal digits.
///
/// # Errors
///
/// When the store does not answer.
pub async fn issue(
    grants: &Grants,
    account: &Account,
    now: Timestamp,
) -> Result<String, StoreError> {
    let code = random::handle();
    let subject = subject::local(&account.name);
    let record = Record {
        owner: subject.clone(),
        subject,
        data: format!("{}{}", state(account), account.name),
        ends_at: now.plus(LIFETIME),
        ..Record::default()
    };
    grants.keep(Kind::PasswordReset, &code, record, now).await?;
    Ok(code)
}

/// The link with `code` under the identity server's address.
pub fn link(issuer: &str, code: &str) -> String {
    format!("{issuer}/account/reset?code={code}")
}

/// Whose password the link with `code` is for; `None` when it is unknown, over, used, or was made
/// for a password that is not there any more.
///
/// # Errors
///
/// When the store does not answer.
pub async fn find(
    (grants, accounts): (&Grants, &Accounts),
    code: &str,
    now: Timestamp,
) -> Result<Option<Account>, StoreError> {
    let found = grants.find(Kind::PasswordReset, code, now).await?;
    let Some(record) = found.filter(|record| !record.spent) else { return Ok(None) };
    let Some((made_for, name)) = record.data.split_at_checked(STATE) else { return Ok(None) };
    let account = accounts.find(name).await?;
    Ok(account.filter(|account| !account.disabled && state(account) == made_for))
}

/// Uses the link with `code`; whether it was its first use. Of any number at once one is the first.
///
/// # Errors
///
/// When the store does not answer.
pub async fn spend(grants: &Grants, code: &str, now: Timestamp) -> Result<bool, StoreError> {
    let spent = grants.spend(Kind::PasswordReset, code, now).await?;
    Ok(matches!(spent, Spending::First(_)))
}

/// Characters of [`state`].
const STATE: usize = 43;

/// A digest of the password's hash.
fn state(account: &Account) -> String {
    let hash = account.password_hash.as_ref().map_or("", |hash| hash.expose());
    digest::sha256_base64url(format!("reset\0{hash}").as_bytes())
}
