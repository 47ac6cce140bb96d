//! What a form came to: a word in the address of the page that comes after, and what that page says.

use crate::admin::ending::Ended;
use crate::admin::frame::Notice;

/// The parameter that says on a page what the form before it came to.
pub(super) const DID: &str = "did";

/// One line an outcome: what it is, its word, and whether that is something done or refused.
macro_rules! outcomes {
    ($($(#[$meaning:meta])+ $did:ident $name:literal $notice:ident $text:literal)+) => {
        /// What a form came to.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Did {
            $($(#[$meaning])+ $did,)+
        }

        impl Did {
            const ALL: &[Self] = &[$(Self::$did,)+];

            const fn name(self) -> &'static str {
                match self {
                    $(Self::$did => $name,)+
                }
            }

            /// What the page says.
            pub(super) fn notice(self) -> Notice {
                match self {
                    $(Self::$did => Notice::$notice($text.to_owned()),)+
                }
            }
        }
    };
}

outcomes! {
    /// The administrator signed in once more.
    SignIn "sign-in" Done "Your sign-in is confirmed. Press the button again."
    /// The provider let the administrator back in, and vouches for nothing.
    StaleSignIn "stale-sign-in" Refused "Your provider let you back in without saying that you proved anew who you are, so nothing can be changed. Sign out there first, or sign in here with a provider that tells when you signed in (auth_time)."
    /// A user was disabled.
    Disable "disable" Done "The user is disabled, and the user's sessions are over."
    /// A user was enabled.
    Enable "enable" Done "The user is enabled."
    /// A user was unlocked.
    Unlock "unlock" Done "The user's password is taken again."
    /// An identity signs in as the user no more.
    Unlink "unlink" Done "This identity does not sign in as the user any more, and the user's sessions are over."
    /// A role was given.
    Give "give" Done "The role is given. It counts from the next sign-in on."
    /// A role was taken.
    Take "take" Done "The role is taken, from the user's sessions too."
    /// A user was deleted.
    Delete "delete" Done "The user is deleted, and the user's sessions are over."
    /// Sessions were ended.
    End "end" Done "The sessions are over. Yours, if it was among them, goes on."
    /// Sessions were ended at this gateway alone.
    EndHere "end-here" Refused "It is done, and the sessions of this gateway are over or changed. Others that share the store could not be told: those of a user who is kept end within a minute; try again for others."
    /// There was nothing to do.
    Nothing "nothing" Done "There was nothing to do: it had happened already."
    /// The form had been posted before.
    Again "again" Refused "This form had been sent before: nothing was done this time."
    /// An administrator will not be shut out by his own hand.
    Own "own" Refused "This is your own account. Let another administrator do it."
    /// What was typed is no role.
    NoRole "no-role" Refused "Write a role as domain\\name, without | and at most 256 characters long."
    /// Somebody else was changing it.
    Busy "busy" Refused "Somebody else is changing this user. Look again, and press once more."
}

impl Did {
    /// The outcome that the word `name` stands for.
    pub(super) fn read(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|did| did.name() == name)
    }

    /// What ending sessions came to.
    pub(super) const fn of_end(ended: Ended) -> Self {
        match ended {
            Ended { only_here: true, .. } => Self::EndHere,
            Ended { count: 0, .. } => Self::Nothing,
            Ended { .. } => Self::End,
        }
    }

    /// The page `address`, where it is told.
    pub(super) fn at(self, address: &str) -> String {
        let joint = if address.contains('?') { '&' } else { '?' };
        format!("{address}{joint}{DID}={}", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_stands_for_one_outcome() {
        for did in Did::ALL {
            assert_eq!(Did::read(did.name()), Some(*did));
        }
        assert_eq!(Did::read("nothing-at-all"), None);
        assert_eq!(Did::Busy.at("/a"), "/a?did=busy");
        assert_eq!(Did::NoRole.at("/a?b=c"), "/a?b=c&did=no-role");
    }
}
