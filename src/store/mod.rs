//! What is kept beyond one request.

pub mod accounts;
pub mod grants;
mod handles;
pub mod keys;
pub mod register;
pub mod spent;
pub mod sql;

use std::borrow::Cow;

pub use handles::Handles;
pub use spent::SpentIds;

use crate::error::Problem;

/// A store that cannot do what it was asked for now. What it holds is not lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store does not answer: {0}")]
pub struct StoreError(pub Cow<'static, str>);

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = ?error, "store");
        Self::Unavailable(
            "what is remembered of sign-ins cannot be reached just now; try again in a moment"
                .into(),
        )
    }
}
