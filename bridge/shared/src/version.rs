//! The version of the API, and which others go with it.

/// The version of the API that this contract describes, sent as `X-MC-API-Version`.
pub const API_VERSION: &str = "2026.1";

/// How a server's version stands to ours. Within one major version a server only ever adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compatibility {
    /// Everything that we know is there.
    Full,
    /// The server has more than we know.
    Newer,
    /// The server speaks another major version, or says nothing that is a version.
    None,
}

impl Compatibility {
    /// With a server that says it speaks this version.
    pub fn with(theirs: &str) -> Compatibility {
        let ours = parse(API_VERSION).expect("our own version is one");
        match parse(theirs) {
            Some((major, minor)) if major == ours.0 && minor > ours.1 => Compatibility::Newer,
            // An older minor version has all that we need of this major one.
            Some((major, _)) if major == ours.0 => Compatibility::Full,
            _ => Compatibility::None,
        }
    }
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
    fn a_newer_minor_version_is_fine_and_another_major_one_is_not() {
        for (theirs, compatibility) in [
            (API_VERSION, Compatibility::Full),
            ("2026.0", Compatibility::Full),
            (" 2026.1.7 ", Compatibility::Full),
            ("2026.2", Compatibility::Newer),
            ("2027.1", Compatibility::None),
            ("2025.9", Compatibility::None),
            ("latest", Compatibility::None),
            ("2026", Compatibility::None),
            ("", Compatibility::None),
        ] {
            assert_eq!(Compatibility::with(theirs), compatibility, "{theirs}");
        }
    }
}
