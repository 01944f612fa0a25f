//! The cases on the fake Gateway: a second or two each.
#![expect(clippy::unwrap_used, reason = "in a test a failure is a failed test")]

mod cases;

mod fake {
    mod bad_input;
    pub(crate) mod cases;
    mod client;
    mod frames;
    mod kills;
    mod network;
    mod systemd;
}
