//! Who this bridge is to a Gateway on another machine.

use std::path::Path;

/// A key pair that a Gateway can be told to trust.
pub struct DeviceIdentity {
    _private: (),
}

impl DeviceIdentity {
    /// The one kept in this file (0600), which is made when there is none.
    pub fn load_or_create(path: &Path) -> anyhow::Result<DeviceIdentity> {
        let _ = path;
        unimplemented!()
    }

    /// Whether a Gateway at this address asks for one: everywhere but on loopback.
    pub fn needed_for(url: &str) -> bool {
        let _ = url;
        unimplemented!()
    }

    /// Its name to the Gateway: what `openclaw devices list` shows.
    pub fn id(&self) -> &str {
        unimplemented!()
    }
}
