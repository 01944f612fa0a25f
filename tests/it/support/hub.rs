//! A server of the test's own, in this process, on a real socket and a fresh database.

use std::path::PathBuf;
use std::sync::Arc;

use mission_control::app::App;
use mission_control::auth::Principal;
use mission_control::auth::api_key::{self, Found};
use mission_control::config::{Config, Mode};
use mission_control::domain::{key, organization, token};
use mission_control::error::Error;
use mission_control::events::Scope;
use mission_control::server::Server;
use mission_control::store::{Actor as Acting, Clock, Durability, Gate, SystemTx, TenantTx};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::actor::{Actor, Reply};
use super::postgres::TestDatabase;

/// Every person's password.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A running server.
pub(crate) struct TestHub {
    pub(crate) config: Config,
    pub(crate) clock: Arc<Clock>,
    app: Option<App>,
    running: Option<(CancellationToken, JoinHandle<anyhow::Result<()>>)>,
    dir: Arc<TempDir>,
    /// Its own, where the tests run on PostgreSQL.
    pub(crate) database: Option<TestDatabase>,
}

/// An organization with its first administrator.
pub(crate) struct Tenant {
    pub(crate) slug: String,
    pub(crate) admin: Actor,
}

/// The configuration of a test's server, before the test changes it.
pub(crate) fn start_options(dir: PathBuf) -> Config {
    let mut config = Config::default();
    config.data.dir = dir;
    config.server.listen = "127.0.0.1:0".parse().unwrap();
    config.server.public_url = String::new();
    config.server.mode = Mode::MultiTenant;
    config.log.filter = "warn".to_owned();
    config.metrics.token = Some("metrics-token".into());
    config.database.durability = Durability::Normal;
    config.limits.request_budget = 0;
    config.limits.signin_limit = 0;
    config
}

impl TestHub {
    /// Holds every counter against a count, as `mission-control verify` does.
    pub(crate) async fn verifies(&self) {
        let place = self.config.place().unwrap();
        let findings = tokio::task::spawn_blocking(move || mission_control::store::verify(&place));
        let findings = findings.await.unwrap().unwrap();
        assert!(findings.are_none(), "{findings:?}");
    }

    /// A server that nobody has set up yet.
    pub(crate) async fn start() -> TestHub {
        TestHub::start_with(|_| {}).await
    }

    /// The same with another configuration.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> TestHub {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let mut config = start_options(dir.path().to_owned());
        let database = TestDatabase::where_asked_for().await;
        config.database.url = database.as_ref().map(|database| database.url.as_str().into());
        change(&mut config);
        let clock = Arc::new(Clock::default());
        let (app, running, config) = serve(config, Arc::clone(&clock)).await;
        TestHub { config, clock, app: Some(app), running: Some(running), dir, database }
    }

    /// Stops the server as SIGTERM does and starts it again on the same data and port.
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.start_again().await;
    }

    /// Starts the stopped server on the same data and port.
    pub(crate) async fn start_again(&mut self) {
        let (app, running, config) = serve(self.config.clone(), Arc::clone(&self.clock)).await;
        (self.app, self.running, self.config) = (Some(app), Some(running), config);
    }

    /// Stops the server as SIGTERM does.
    pub(crate) async fn stop(&mut self) {
        let (stop, task) = self.running.take().expect("the server runs");
        stop.cancel();
        task.await.expect("the server does not panic").expect("the server stops in order");
        // The lock of the data directory goes with the last handle on the parts.
        self.app = None;
    }

    /// The server's parts, to look behind the routes.
    pub(crate) fn app(&self) -> &App {
        self.app.as_ref().expect("the server runs")
    }

    /// Where files are kept.
    pub(crate) fn dir(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// Nobody: no credentials.
    pub(crate) fn anonymous(&self) -> Actor {
        Actor::anonymous(&self.config.server.public_url)
    }

    /// Somebody with this in the `Authorization` header.
    pub(crate) fn bearer(&self, secret: &str) -> Actor {
        Actor::with_key(&self.config.server.public_url, "", secret, "")
    }

    /// Sets the server up with its first organization.
    pub(crate) async fn tenant(&self, slug: &str) -> Tenant {
        let token = mission_control::auth::sign_in::setup_token(self.dir()).unwrap();
        let first = self.anonymous().get("/api/v1/auth/providers").await.json()["setup_required"] == true;
        if !first {
            return self.further_tenant(slug).await;
        }
        let reply = self
            .anonymous()
            .post(
                "/api/v1/auth/setup",
                json!({
                    "token": token, "org_name": slug, "org_slug": slug, "email": format!("admin@{slug}.example"),
                    "display_name": "Ada Admin", "password": PASSWORD,
                }),
            )
            .await
            .expect_status(201);
        Tenant {
            slug: slug.to_owned(),
            admin: Actor::signed_in(&self.config.server.public_url, slug, &reply),
        }
    }

    /// One more organization, made as the command line makes it.
    async fn further_tenant(&self, slug: &str) -> Tenant {
        self.admin(json!({"request": "org_create", "name": slug, "slug": slug})).await;
        let invited = self
            .admin(json!({
                "request": "user_create", "org": slug, "email": format!("admin@{slug}.example"),
                "display_name": "Eve Admin", "role": "administrator",
            }))
            .await;
        let admin = self.accept(slug, &invited["invite_url"], "Eve Admin").await;
        Tenant { slug: slug.to_owned(), admin }
    }

    /// What the command line asks of a running server.
    pub(crate) async fn admin(&self, request: Value) -> Value {
        let request = serde_json::from_value(request).unwrap();
        let reply = mission_control::http::admin::execute(self.app(), request).await.unwrap();
        serde_json::to_value(reply).unwrap()
    }

    /// Writes to an organization behind the routes.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        tenant: &Tenant,
        gate: Gate,
        mut work: impl FnMut(&mut TenantTx<'_, '_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let slug = tenant.slug.clone();
        let write = move |tx: &mut SystemTx<'_, '_>| {
            let org_id = organization::find_id(tx, &slug)?;
            work(&mut tx.tenant(org_id, &Acting::SYSTEM, gate)?)
        };
        self.app().write_system(write).await
    }

    /// Suspends an organization, or lets it work again.
    pub(crate) async fn set_suspended(&self, tenant: &Tenant, suspended: bool) {
        let change = move |tx: &mut TenantTx<'_, '_>| organization::set_suspended(tx, suspended);
        self.write(tenant, Gate::Lifecycle, change).await.unwrap();
    }

    /// Returns once everything that was committed until now has been published: on PostgreSQL it
    /// comes back by the feed.
    pub(crate) async fn settles(&self, tenant: &Tenant) {
        let mut stream = tenant.admin.listens("", None).await;
        let general = tenant.admin.general().await;
        tenant.admin.says(&general, "settled").await;
        stream.event("message.created").await;
    }

    /// Who the holder of a key is, as the server looks it up.
    async fn look_up(&self, actor: &Actor) -> Principal {
        let (key, hash) = (actor.key().to_owned(), token::hash(actor.key()));
        let found = self.app().read_system(move |tx| {
            let owner = key::owner_part(&key).expect("it is a key");
            api_key::look_up(tx, owner, &hash)
        });
        match found.await.unwrap() {
            Found::Live(principal) => principal,
            found => panic!("{}: {found:?}", actor.id),
        }
    }

    /// Confines the holder of a key to a scope, as a sub-agent's key does, until the server looks the
    /// key up again.
    pub(crate) async fn confine(&self, actor: &Actor, scope: &Scope) {
        let principal = Principal { scope: scope.clone(), ..self.look_up(actor).await };
        let (holder, slug) = (principal.clone(), actor.slug.clone());
        let member = self.app().read_system(move |tx| holder.member_of(tx, &slug)).await.unwrap();
        let (cache, at) = (self.app().auth().cache(), (principal.credential, actor.slug.clone()));
        cache.keep_key(cache.epoch(), token::hash(actor.key()), principal);
        cache.keep_member(cache.epoch(), at, Arc::new(member.expect("is a member")));
    }

    /// Whether the server has let the holder of this key in, and keeps that.
    pub(crate) async fn has_authenticated(&self, actor: &Actor) -> bool {
        let at = (self.look_up(actor).await.credential, actor.slug.clone());
        self.app().auth().cache().member(&at).is_some()
    }

    /// Tries to sign in.
    pub(crate) async fn sign_in(&self, email: &str, password: &str) -> Reply {
        self.anonymous().post("/api/v1/auth/login", json!({"email": email, "password": password})).await
    }

    /// The same through a proxy that names this address.
    pub(crate) async fn sign_in_from(&self, address: &str, email: &str, password: &str) -> Reply {
        let nobody = self.anonymous();
        let request =
            nobody.request(reqwest::Method::POST, "/api/v1/auth/login").header("x-forwarded-for", address);
        nobody.send(request.json(&json!({"email": email, "password": password}))).await
    }

    /// One more session of somebody.
    pub(crate) async fn signed_in(&self, slug: &str, email: &str) -> Actor {
        let reply = self.sign_in(email, PASSWORD).await.expect_status(200);
        Actor::signed_in(&self.config.server.public_url, slug, &reply)
    }

    /// Follows an invitation's link.
    pub(crate) async fn accept(&self, slug: &str, invite_url: &Value, name: &str) -> Actor {
        let token = invite_url.as_str().unwrap().split_once('#').unwrap().1;
        let body = json!({"token": token, "display_name": name, "password": PASSWORD});
        let reply = self.anonymous().post("/api/v1/auth/invite/accept", body).await.expect_status(201);
        Actor::signed_in(&self.config.server.public_url, slug, &reply)
    }

    /// A person who joins with this role.
    pub(crate) async fn person(&self, tenant: &Tenant, name: &str, role: &str) -> Actor {
        let body = json!({
            "type": "human", "email": format!("{name}@{}.example", tenant.slug), "display_name": name,
            "role": role, "handle": name,
        });
        let reply = tenant.admin.post(&tenant.path("/users"), body).await.expect_status(201);
        self.accept(&tenant.slug, &reply.json()["invite_url"], name).await
    }

    /// An agent with its key.
    pub(crate) async fn agent(&self, tenant: &Tenant, name: &str) -> Actor {
        tenant.agent(name).await
    }
}

impl Tenant {
    /// A path in this organization.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/api/v1/orgs/{}{rest}", self.slug)
    }

    /// An agent with its key.
    pub(crate) async fn agent(&self, name: &str) -> Actor {
        let body = json!({"type": "agent", "identifier": name, "display_name": name, "role": "contributor"});
        let json = self.admin.post(&self.path("/users"), body).await.expect_status(201).json();
        let (key, id) = (json["api_key"].as_str().unwrap(), json["user"]["id"].as_str().unwrap());
        Actor::with_key(&self.admin.base, &self.slug, key, id)
    }
}

type Running = (CancellationToken, JoinHandle<anyhow::Result<()>>);

async fn serve(mut config: Config, clock: Arc<Clock>) -> (App, Running, Config) {
    let listener = TcpListener::bind(config.server.listen).await.unwrap();
    config.server.listen = listener.local_addr().unwrap();
    if config.server.public_url.is_empty() {
        config.server.public_url = format!("http://{}", config.server.listen);
    }
    let opened = config.clone();
    let app = tokio::task::spawn_blocking(move || App::open(opened, clock)).await.unwrap().unwrap();
    let stop = CancellationToken::new();
    let server = Server::new(app.clone(), listener).unwrap();
    let task = tokio::spawn(server.run(stop.clone()));
    (app, (stop, task), config)
}
