//! The pages for those who look after users and sessions: who may enter, and what they change.

mod anew;
mod desk;
mod entry;
mod forms;
mod gateways;
mod million;
mod sessions;
mod users;
