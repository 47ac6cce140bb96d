//! The client for calls of our own: to providers, never to an address that came in a request.
