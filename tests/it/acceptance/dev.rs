//! DEV: the device flow.
