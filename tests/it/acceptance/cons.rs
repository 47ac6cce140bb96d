//! CONS: consent, and the page of signed-in applications.
