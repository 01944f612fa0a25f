//! Both Gateways behind one handle, so that a case can be told once.

use std::time::Duration;

use crate::fake::FakeGateway;
use crate::real::RealGateway;

/// What a model has been asked: the last thing that a user said.
#[derive(Clone, Debug)]
pub struct ModelRequest {
    /// Which model.
    pub model: String,
    /// The user's text, without what the Gateway puts around it.
    pub text: String,
}

/// A Gateway to run a bridge against.
#[derive(Clone)]
pub enum Gateway {
    /// In this process, in milliseconds.
    Fake(FakeGateway),
    /// OpenClaw itself.
    Real(RealGateway),
}

impl Gateway {
    /// Where it listens now.
    pub fn address(&self) -> std::net::SocketAddr {
        match self {
            Gateway::Fake(fake) => fake.address(),
            Gateway::Real(real) => real.address(),
        }
    }

    /// Its shared token.
    pub fn token(&self) -> String {
        "test-token-0123456789abcdef".to_owned()
    }

    /// As SIGKILL does.
    pub async fn kill(&self) {
        match self {
            Gateway::Fake(fake) => fake.kill().await,
            Gateway::Real(real) => real.kill().await,
        }
    }

    /// As SIGTERM does.
    pub async fn stop(&self) {
        match self {
            Gateway::Fake(fake) => fake.stop(Duration::from_secs(10)).await,
            Gateway::Real(real) => real.stop().await,
        }
    }

    /// Starts it again on what it has stored.
    pub async fn start(&self) {
        match self {
            Gateway::Fake(fake) => {
                fake.run().await;
            }
            Gateway::Real(real) => real.start().await,
        }
    }

    /// What its model has been asked, oldest first.
    pub fn requests(&self) -> Vec<ModelRequest> {
        match self {
            Gateway::Fake(fake) => fake.requests(),
            Gateway::Real(real) => real.requests(),
        }
    }
}
