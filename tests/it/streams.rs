//! The event stream: what comes, to whom, in which form, and that nothing is lost or told twice.

mod access;
mod delivery;
mod endurance;
mod follow;

use serde_json::Value;

use crate::support::{Actor, EventStream, TestHub};

/// Everything that a stream brings up to the newest event of the log.
async fn catches_up(hub: &TestHub, listener: &Actor, stream: &mut EventStream) -> Vec<Value> {
    let organization = listener.get(&listener.path("")).await.expect_status(200).json();
    let newest = organization["sequence_id"].as_i64().unwrap();
    let mut heard = Vec::new();
    // A heartbeat says how far the stream is, whether or not what came was for this listener.
    loop {
        hub.app().hub().heartbeat();
        loop {
            let frame = stream.raw().await.expect("the stream goes on");
            if frame.data.is_some() {
                heard.push(frame.json());
            } else if frame.id.is_some() {
                break;
            }
        }
        if number(&stream.last_id) >= newest {
            return heard;
        }
    }
}

/// The number in an id of the stream.
fn number(id: &str) -> i64 {
    id.split_once('.').expect("an id has two parts").1.parse().unwrap()
}
