//! A PostgreSQL database of the test's own, where the tests run on PostgreSQL.

/// A database that goes with the test.
pub(crate) struct TestDatabase {
    pub(crate) url: String,
    #[cfg(feature = "postgres")]
    name: String,
    #[cfg(feature = "postgres")]
    server: String,
}

#[cfg(not(feature = "postgres"))]
impl TestDatabase {
    pub(crate) async fn where_asked_for() -> Option<TestDatabase> {
        assert_ne!(
            std::env::var("MC_TEST_ENGINE").as_deref(),
            Ok("postgres"),
            "MC_TEST_ENGINE=postgres needs the feature `postgres`"
        );
        None
    }
}

#[cfg(feature = "postgres")]
impl TestDatabase {
    /// `None` unless `MC_TEST_ENGINE=postgres`.
    pub(crate) async fn where_asked_for() -> Option<TestDatabase> {
        if std::env::var("MC_TEST_ENGINE").as_deref() != Ok("postgres") {
            return None;
        }
        Some(tokio::task::spawn_blocking(TestDatabase::create).await.unwrap())
    }

    /// Gives its role other attributes.
    pub(crate) async fn alter_role(&self, attributes: &str) {
        let (server, sql) = (self.server.clone(), format!("ALTER ROLE {} {attributes}", self.name));
        let altered = tokio::task::spawn_blocking(move || {
            postgres::Client::connect(&server, postgres::NoTls)?.batch_execute(&sql)
        });
        altered.await.unwrap().unwrap();
    }

    fn create() -> TestDatabase {
        let server = server_url();
        let name = format!("mc_test_{}", uuid::Uuid::now_v7().simple());
        let mut client = postgres::Client::connect(&server, postgres::NoTls).unwrap();
        // A role like the one that the product asks for: it owns its database and bypasses nothing.
        client
            .batch_execute(&format!("CREATE ROLE {name} LOGIN PASSWORD 'test' NOSUPERUSER NOBYPASSRLS"))
            .unwrap();
        client.batch_execute(&format!("CREATE DATABASE {name} OWNER {name}")).unwrap();
        let config: postgres::Config = server.parse().unwrap();
        let port = config.get_ports().first().copied().unwrap_or(5432);
        TestDatabase { url: format!("postgres://{name}:test@127.0.0.1:{port}/{name}"), name, server }
    }
}

#[cfg(feature = "postgres")]
impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // The driver runs a runtime of its own, which must not stand inside the test's.
        let dropped = std::thread::spawn(move || {
            let mut client = postgres::Client::connect(&server, postgres::NoTls)?;
            client.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))?;
            client.batch_execute(&format!("DROP ROLE IF EXISTS {name}"))
        });
        let _ = dropped.join();
    }
}

/// `MC_TEST_POSTGRES_URL`, or the server that `tests/postgres` starts.
#[cfg(feature = "postgres")]
fn server_url() -> String {
    std::env::var("MC_TEST_POSTGRES_URL").unwrap_or_else(|_| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/postgres");
        let output = std::process::Command::new(script).arg("start").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    })
}
