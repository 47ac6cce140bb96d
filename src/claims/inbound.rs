//! Inbound claims: JSON from a provider becomes claims, renamed as Microsoft's JWT handler does.
