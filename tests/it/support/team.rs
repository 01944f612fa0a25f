//! Small steps of stories in which several actors meet.

use serde_json::{Value, json};

use super::actor::{Actor, Reply};

/// A field of an answer that is text.
pub(crate) fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_else(|| panic!("`{field}` is no text in {value}"))
}

/// The numbers of these events.
pub(crate) fn numbers(events: &[Value]) -> Vec<i64> {
    events.iter().map(|event| event["sequence_id"].as_i64().unwrap()).collect()
}

/// The types of these events.
pub(crate) fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| text(event, "type")).collect()
}

impl Actor {
    /// Makes these users members of a project.
    pub(crate) async fn brings_in(&self, project: &Value, users: &[&Actor]) {
        let ids: Vec<_> = users.iter().map(|user| &user.id).collect();
        let path = self.path(&format!("/projects/{}/members", text(project, "id")));
        self.post(&path, json!({"user_ids": ids})).await.expect_status(200);
    }

    /// Takes a user out of a project.
    pub(crate) async fn takes_out(&self, project: &Value, user: &Actor) {
        let path = self.path(&format!("/projects/{}/members/{}", text(project, "id"), user.id));
        self.delete(&path).await.expect_status(204);
    }

    /// Posts a message with more in it than text.
    pub(crate) async fn posts(&self, channel: &str, body: Value) -> Value {
        let path = self.path(&format!("/channels/{channel}/messages"));
        self.post(&path, body).await.expect_status(201).json()
    }

    /// Replaces their subscriptions.
    pub(crate) async fn subscribes_to(&self, topics: &[(&str, &str)]) -> Reply {
        let topic = |(kind, id): &(&str, &str)| json!({"topic_type": kind, "topic_id": id});
        let topics: Vec<_> = topics.iter().map(topic).collect();
        self.put(&self.path("/subscriptions"), json!({"subscriptions": topics})).await
    }
}
