//! The identity server's acceptance list: one test a line, named after the line, one file a section.

#[allow(dead_code, reason = "a section takes what it needs")]
pub(crate) mod house;

mod authr;
mod authz;
mod authz_objects;
mod authz_rules;
mod cc;
mod cfg;
mod chk;
mod code;
mod cons;
mod dev;
mod disc;
mod disc_keys;
mod dpop;
mod end;
mod end_notices;
mod fed;
mod fed_claims;
mod fed_kept;
mod federated_logout;
mod intr;
mod login;
mod login_rules;
mod par;
mod partners;
mod presets;
mod refresh;
mod rev;
mod ropc;
mod shared_store;
mod tok;
mod ui;
