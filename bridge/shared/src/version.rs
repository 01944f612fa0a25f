//! The version of the API, and which others go with it.
//!
//! Server and bridge are released each for itself; what must agree is the API that they speak. Both
//! send theirs with everything they say, as [`API_VERSION_HEADER`], and each looks at the other's:
//! [`Compatibility::of_server`] in the bridge, [`Compatibility::of_client`] in the server.
//!
//! `tests/released` tries every release with the newest one of the other side.
//!
//! Invariant: the newer side knows what the older one lacks. So each states only how old the other
//! may be, and a range ends with the major version, within which a server only ever adds.

/// The version of the API that this contract describes: the one of this crate.
pub const API_VERSION: &str = concat!(env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));

/// The header that carries [`API_VERSION`], in requests of a bridge and in answers of a server.
pub const API_VERSION_HEADER: &str = "x-mc-api-version";

/// The oldest server that a bridge of this contract works with. Raise it when the bridge begins to
/// need what a later minor version added.
pub const OLDEST_SERVER: &str = "2026.1";

/// The oldest bridge that a server of this contract works with. Raise it when the server no longer
/// does what an older one relies on.
pub const OLDEST_CLIENT: &str = "2026.1";

/// The code of the error by which a server refuses a bridge of another API.
pub const UNSUPPORTED_API_VERSION: &str = "UNSUPPORTED_API_VERSION";

/// How the other side's version stands to ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compatibility {
    /// All that is needed is there.
    Full,
    /// It has more than we know.
    Newer,
    /// It lacks what we need, or is of an earlier major version: it has to be updated.
    TooOld,
    /// It is of a later major version: we have to be updated.
    TooNew,
    /// It says nothing that is a version: it is something else.
    Unknown,
}

impl Compatibility {
    /// Of a server, as a bridge sees it.
    pub fn of_server(theirs: &str) -> Compatibility {
        Compatibility::between(OLDEST_SERVER, API_VERSION, theirs)
    }

    /// Of a client, as a server sees it.
    pub fn of_client(theirs: &str) -> Compatibility {
        Compatibility::between(OLDEST_CLIENT, API_VERSION, theirs)
    }

    fn between(oldest: &str, ours: &str, theirs: &str) -> Compatibility {
        let (oldest, ours) = (parse(oldest), parse(ours));
        let (Some(oldest), Some(ours), Some(theirs)) = (oldest, ours, parse(theirs)) else {
            return Compatibility::Unknown;
        };
        match theirs {
            (major, _) if major > ours.0 => Compatibility::TooNew,
            (major, _) if major < ours.0 => Compatibility::TooOld,
            _ if theirs < oldest => Compatibility::TooOld,
            _ if theirs > ours => Compatibility::Newer,
            _ => Compatibility::Full,
        }
    }
}

/// A range for people: `2026.1 to 2026.x`.
pub fn range(oldest: &str) -> String {
    format!("{oldest} to {}.x", env!("CARGO_PKG_VERSION_MAJOR"))
}

/// Major and minor number; what follows them is of no account.
fn parse(version: &str) -> Option<(u32, u32)> {
    let (major, minor) = version.trim().split_once('.')?;
    Some((major.parse().ok()?, minor.split('.').next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_goes_from_the_oldest_that_is_good_enough_to_the_end_of_the_major_version() {
        for (theirs, compatibility) in [
            ("2026.3", Compatibility::Full),
            ("2026.2", Compatibility::Full),
            (" 2026.2.7 ", Compatibility::Full),
            ("2026.4", Compatibility::Newer),
            ("2026.10", Compatibility::Newer),
            ("2026.1", Compatibility::TooOld),
            ("2025.9", Compatibility::TooOld),
            ("1.0", Compatibility::TooOld),
            ("2027.0", Compatibility::TooNew),
            ("latest", Compatibility::Unknown),
            ("2026", Compatibility::Unknown),
            ("2026.-1", Compatibility::Unknown),
            ("", Compatibility::Unknown),
        ] {
            assert_eq!(Compatibility::between("2026.2", "2026.3", theirs), compatibility, "{theirs}");
        }
    }

    #[test]
    fn a_server_and_a_bridge_of_one_contract_go_together() {
        assert_eq!(Compatibility::of_server(API_VERSION), Compatibility::Full);
        assert_eq!(Compatibility::of_client(API_VERSION), Compatibility::Full);
        // Who is within the range is not told to be out of date.
        assert_eq!(Compatibility::of_server(OLDEST_SERVER), Compatibility::Full);
        assert_eq!(Compatibility::of_client(OLDEST_CLIENT), Compatibility::Full);
    }
}
