//! `[database]`: which database holds the rows, and how safely.

use super::{Default, Secret};
use crate::store::Durability;

section! {
    /// Which database holds the rows, and how safely.
    "database" => Database {
        /// `full` survives a power cut; `normal` survives a killed process, and trades the last moments
        /// before a power cut for speed.
        durability: Durability {
            variable: "MC_DURABILITY",
            flag: Some(("durability", "HOW")),
            former: Some("durability"),
            default: Default::Text("full"),
        },
        /// `postgres://…`: PostgreSQL instead of the SQLite file in the data directory, in a build with
        /// `--features postgres`.
        url: Option<Secret> {
            variable: "MC_DATABASE_URL",
            former: Some("database_url"),
            sample: Some(r#""/etc/mission-control/database-url""#),
        },
    }
}

choice!(Durability { "full" => Durability::Full, "normal" => Durability::Normal });
