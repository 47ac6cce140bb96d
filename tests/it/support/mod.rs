//! What the scenarios stand on.

pub(crate) mod browser;
pub(crate) mod chain;
pub(crate) mod clients;
pub(crate) mod cms;
pub(crate) mod gateway;
pub(crate) mod h2;
pub(crate) mod html;
pub(crate) mod iis;
pub(crate) mod jar;
pub(crate) mod journey;
pub(crate) mod logs;
pub(crate) mod provider;
pub(crate) mod provider_plain;
pub(crate) mod signing;
pub(crate) mod tls;
pub(crate) mod wire;
pub(crate) mod world;
