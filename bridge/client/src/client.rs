//! One caller of a server: who asks, and how requests say so.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use reqwest::RequestBuilder;
use reqwest::header::{AUTHORIZATION, COOKIE, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{Error, Result, Server};

/// One caller. Clones share the credential, so a replaced key is used by all of them.
#[derive(Clone)]
pub struct Client {
    server: Server,
    credential: Arc<RwLock<Credential>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("server", &self.server).finish_non_exhaustive()
    }
}

/// What names the caller.
pub(crate) enum Credential {
    Nobody,
    Key(SecretString),
    Session(Session),
}

/// A session of a person, as a browser has it.
pub(crate) struct Session {
    pub(crate) cookies: SecretString,
    pub(crate) csrf: SecretString,
}

impl Server {
    /// The caller that this API key names: an agent, or a person with a key.
    pub fn with_key(&self, key: SecretString) -> Client {
        Client::new(self.clone(), Credential::Key(key))
    }
}

impl Client {
    pub(crate) fn new(server: Server, credential: Credential) -> Client {
        Client { server, credential: Arc::new(RwLock::new(credential)) }
    }

    /// The server that is asked.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The same caller at another address, such as that of a server that was moved. Both share the
    /// credential.
    pub fn at(&self, server: &Server) -> Client {
        Client { server: server.clone(), credential: Arc::clone(&self.credential) }
    }

    /// Replaces what names the caller, from the next request on.
    pub fn set_key(&self, key: SecretString) {
        *self.credential.write().unwrap_or_else(PoisonError::into_inner) = Credential::Key(key);
    }

    /// Adds to a request who asks.
    ///
    /// Errors: [`Error::Unauthorized`] when the key has characters that no key has.
    pub(crate) fn name(&self, request: RequestBuilder) -> Result<RequestBuilder> {
        let credential = self.credential.read().unwrap_or_else(PoisonError::into_inner);
        Ok(match &*credential {
            Credential::Nobody => request,
            Credential::Key(key) => {
                request.header(AUTHORIZATION, secret(format!("Bearer {}", key.expose_secret()))?)
            }
            Credential::Session(session) => request
                .header(COOKIE, secret(session.cookies.expose_secret().to_owned())?)
                .header("x-csrf-token", secret(session.csrf.expose_secret().to_owned())?),
        })
    }
}

fn secret(text: String) -> Result<HeaderValue> {
    let Ok(mut value) = HeaderValue::from_str(&text) else {
        let message = "it has characters that no key has: copy it again".to_owned();
        return Err(Error::Unauthorized(message));
    };
    value.set_sensitive(true);
    Ok(value)
}
