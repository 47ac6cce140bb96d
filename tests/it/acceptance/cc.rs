//! CC: the grant `client_credentials`.
