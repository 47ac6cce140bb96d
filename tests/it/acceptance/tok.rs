//! TOK: the token endpoint in general and how clients prove who they are.
