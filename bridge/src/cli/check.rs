//! `mc-bridge check`.

use std::path::Path;

use crate::config::Config;

/// Reads the configuration and says what is wrong with it.
pub async fn run(path: Option<&Path>, _json: bool) -> u8 {
    match Config::load(path) {
        Ok(_) => 0,
        Err(error) => {
            super::report(&error.into());
            78
        }
    }
}
