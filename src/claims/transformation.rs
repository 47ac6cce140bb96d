//! Applying a provider's transformations.
