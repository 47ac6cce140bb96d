//! ROPC: the grant `password`.
