//! Decides and does nothing: which site, what is stripped and added, who may pass. Serves requests
//! and `vestibule explain` alike.
