//! Who this bridge is to a Gateway on another machine: an Ed25519 key pair that its owner approves.

use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown};
use std::path::Path;

use anyhow::{Context as _, bail};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use ring::digest::{SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair as _};

/// A key pair that a Gateway can be told to trust.
pub struct DeviceIdentity {
    id: String,
    keys: Ed25519KeyPair,
}

impl DeviceIdentity {
    /// The one kept in this file (0600), which is made when there is none.
    pub fn load_or_create(path: &Path) -> anyhow::Result<DeviceIdentity> {
        match fs::read_to_string(path) {
            Ok(text) => Self::load(path, &text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::create(path),
            Err(error) => Err(error).with_context(|| format!("read the device key {}", path.display())),
        }
    }

    fn load(path: &Path, text: &str) -> anyhow::Result<DeviceIdentity> {
        let mode = fs::metadata(path)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            bail!(
                "{}: others can read the device key (mode {mode:o}): run `chmod 600` on it",
                path.display()
            );
        }
        let seed = BASE64URL_NOPAD.decode(text.trim().as_bytes()).ok().filter(|seed| seed.len() == 32);
        let Some(seed) = seed else {
            bail!(
                "{}: this is no device key: delete it, then approve the bridge anew on the Gateway's host",
                path.display()
            );
        };
        Self::from_seed(&seed)
    }

    fn create(path: &Path) -> anyhow::Result<DeviceIdentity> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).context("get randomness for the device key")?;
        let write = || -> io::Result<()> {
            let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            writeln!(file, "{}", BASE64URL_NOPAD.encode(&seed))?;
            file.sync_all()
        };
        write().with_context(|| format!("write the device key {}", path.display()))?;
        // Made by `sudo mc-bridge check`, it is still for the user that the bridge runs as: the one
        // whose folder it is.
        if let Some(folder) = path.parent().and_then(|folder| fs::metadata(folder).ok()) {
            let _ = chown(path, Some(folder.uid()), Some(folder.gid()));
        }
        Self::from_seed(&seed)
    }

    fn from_seed(seed: &[u8]) -> anyhow::Result<DeviceIdentity> {
        let keys = Ed25519KeyPair::from_seed_unchecked(seed)
            .map_err(|_| anyhow::anyhow!("the device key is no key"))?;
        let id = HEXLOWER.encode(digest(&SHA256, keys.public_key().as_ref()).as_ref());
        Ok(DeviceIdentity { id, keys })
    }

    /// Whether a Gateway at this address asks for one: everywhere but on loopback.
    pub fn needed_for(url: &str) -> bool {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = match authority.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => authority.split(':').next().unwrap_or_default(),
        };
        let loopback =
            host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        !loopback
    }

    /// Its name to the Gateway: what `openclaw devices list` shows.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn public_key(&self) -> String {
        BASE64URL_NOPAD.encode(self.keys.public_key().as_ref())
    }

    pub(super) fn sign(&self, payload: &[u8]) -> String {
        BASE64URL_NOPAD.encode(self.keys.sign(payload).as_ref())
    }
}

impl fmt::Debug for DeviceIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DeviceIdentity").field(&self.id).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_made_once_and_kept_from_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("device.key");
        let made = DeviceIdentity::load_or_create(&path).expect("made");
        let mode = fs::metadata(&path).expect("is there").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        let kept = DeviceIdentity::load_or_create(&path).expect("kept");
        assert_eq!(made.id(), kept.id());
        assert_eq!(made.sign(b"x"), kept.sign(b"x"));

        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("opened to others");
        let refused = DeviceIdentity::load_or_create(&path).expect_err("refused").to_string();
        assert!(refused.contains("chmod 600"), "{refused}");

        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("closed");
        fs::write(&path, "nonsense").expect("spoilt");
        let refused = DeviceIdentity::load_or_create(&path).expect_err("refused").to_string();
        assert!(refused.contains("no device key"), "{refused}");
    }

    #[test]
    fn a_gateway_on_loopback_asks_for_none() {
        for near in ["ws://127.0.0.1:18789", "ws://localhost:1/x", "wss://[::1]:18789", "ws://127.9.9.9"] {
            assert!(!DeviceIdentity::needed_for(near), "{near}");
        }
        for far in
            ["ws://192.168.1.7:18789", "wss://gateway.example", "ws://localhost.example", "ws://[fd00::1]"]
        {
            assert!(DeviceIdentity::needed_for(far), "{far}");
        }
    }
}
