//! END: end of session and signing out.
