//! The first words of a connection.

/// What the Gateway said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Its version.
    pub version: String,
    /// The protocol that is spoken.
    pub protocol: u32,
    /// Changes with each start of it.
    pub boot_id: String,
    /// What we may do.
    pub scopes: Vec<String>,
}

/// Why the Gateway does not let us in. Each says how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkRefusal {
    /// The token is not the Gateway's.
    #[error("the Gateway does not know this token")]
    WrongToken,
}
