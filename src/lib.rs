//! Vestibule, a reverse-proxy authentication gateway: the entrance hall in front of a legacy CMS.
//!
//! # The way of a request
//!
//! The modules, in the order a request meets them:
//!
//! * [`listen`]: TLS, HTTP/1.1 and HTTP/2, PROXY protocol, limits: bytes become one request, read one
//!   way only.
//! * [`proxy`]: one function, [`proxy::answer`], that tells the whole story: site → strip → session
//!   → access → (login | identity server | admin | demo | upstream).
//! * [`gate`]: decides and does nothing: which site, what is stripped and added, who may pass.
//! * [`session`]: the cookie becomes a session.
//! * [`login`]: signs people in at the provider that the site is mapped to, and out again.
//! * [`identity_server`]: the OpenID provider behind that login.
//! * [`admin`]: the pages for those who look after users, sessions and the configuration.
//! * [`demo`]: a small CMS that shows what it received.
//! * [`users`] and [`claims`]: what a provider says of a person becomes an account.
//! * [`pages`]: what people see.
//! * [`store`]: what is kept.
//! * [`config`]: what the owner wrote.
//! * [`observe`], [`http`], [`crypto`], [`error`], [`clock`]: what everything stands on.
//!
//! [`app`] puts them together and [`cli`] is the command line.

pub mod admin;
pub mod app;
pub mod claims;
pub mod cli;
pub mod clock;
pub mod config;
pub mod crypto;
pub mod demo;
pub mod error;
pub mod gate;
pub mod http;
pub mod identity_server;
pub mod listen;
pub mod login;
pub mod observe;
pub mod pages;
pub mod proxy;
pub mod session;
pub mod store;
pub mod users;
