//! REF: the grant `refresh_token`.
