//! The layers of the house, enforced.
