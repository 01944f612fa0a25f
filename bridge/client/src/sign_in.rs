//! Sessions of people, opened as a browser does.

use reqwest::Response;
use reqwest::header::SET_COOKIE;
use serde::Serialize;
use serde_json::json;

use crate::client::{Credential, Session};
use crate::{Client, Error, Method, Result, Server};

impl Server {
    /// A person who signs in with an address and a password.
    ///
    /// Errors: [`Error::Unauthorized`] when they are wrong.
    pub async fn sign_in(&self, email: &str, password: &str) -> Result<Client> {
        self.open_session("auth/login", &json!({ "email": email, "password": password })).await
    }

    /// The person whom this request signs in: `auth/login`, `auth/setup` and others that answer with
    /// a session.
    pub async fn open_session(&self, path: &str, body: &impl Serialize) -> Result<Client> {
        let nobody = Client::new(self.clone(), Credential::Nobody);
        let session = session(&nobody.request(Method::POST, path).json(body).response().await?)?;
        Ok(Client::new(self.clone(), Credential::Session(session)))
    }
}

/// The session that an answer opens.
fn session(answer: &Response) -> Result<Session> {
    let cookies = answer.headers().get_all(SET_COOKIE).iter();
    let cookies: Vec<&str> = cookies.filter_map(|cookie| cookie.to_str().ok()?.split(';').next()).collect();
    // With a prefix such as `__Host-` over TLS.
    let csrf = cookies.iter().find_map(|cookie| {
        cookie.split_once('=').filter(|(name, _)| name.ends_with("mc_csrf")).map(|(_, value)| value)
    });
    let csrf = csrf.ok_or_else(|| Error::Unreadable("it opens no session".to_owned()))?;
    Ok(Session { csrf: csrf.to_owned().into(), cookies: cookies.join("; ").into() })
}
