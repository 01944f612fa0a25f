//! Puts the next delivery together.

use mission_control_client::{Backoff, Error as ServerError};
use mission_control_shared::MessageId;

use super::Runner;
use super::text::{Introduction, PromptContext, prompt};
use crate::clock::now;
use crate::outbox;
use crate::state::{Delivery, Entry, NewDelivery, Queued, Session, StateError, WakeReason, to_know};

/// The time in which `max_runs_per_hour` counts.
const HOUR_MICROS: i64 = 3600 * 1_000_000;

impl Runner {
    /// Begins the next delivery; `None` where nothing waits, or the loop breaker lets nothing go.
    pub(super) async fn compose(&self, session: &Session) -> Result<Option<Delivery>, StateError> {
        let Some(queued) = self.next(session).await? else { return Ok(None) };
        let is_command = queued.why == WakeReason::Command;
        let text = if is_command {
            queued.item.text.clone()
        } else {
            let introduction = match session.introduced {
                true => None,
                false => Some(self.introduction(session, queued.item.message_id).await),
            };
            self.text(session, &queued, introduction.as_ref()).await?
        };
        let introduces = !is_command;
        let at = now().0;
        let id = self.id;
        let new = NewDelivery { queued, text, is_command, introduces, now: at };
        self.bridge
            .state
            .write(move |state| {
                // Its project may have been left while the text was put together.
                if id.read(state)?.is_none() {
                    return Ok(None);
                }
                Delivery::begin(state, id, &new).map(Some)
            })
            .await
    }

    /// The next that waits, unless there were too many runs since a human spoke.
    async fn next(&self, session: &Session) -> Result<Option<Queued>, StateError> {
        let id = self.id;
        let limit = i64::from(self.agent.config.max_runs_per_hour);
        let since = now().0 - HOUR_MICROS;
        let (queued, broke) = self
            .bridge
            .state
            .write(move |state| {
                let Some(queued) = Queued::next(state, id)? else { return Ok((None, false)) };
                let Some(session) = id.read(state)? else { return Ok((None, false)) };
                if queued.why == WakeReason::Command || queued.item.by_human() {
                    return Ok((Some(queued), false));
                }
                if session.stopped {
                    return Ok((None, false));
                }
                if id.runs_since(state, since)? < limit {
                    return Ok((Some(queued), false));
                }
                id.stop(state)?;
                let text = format!(
                    "I stop here: I was woken {limit} times within an hour without a human in between \
                     (`max_runs_per_hour`). I go on when a human writes to me."
                );
                let key = format!("{}:stopped", queued.event_id);
                Entry::notice(session.lane(), key, text, None).queue(state)?;
                Ok((None, true))
            })
            .await?;
        if broke {
            metrics::counter!("bridge_loop_stops_total").increment(1);
            outbox::wake(&self.bridge, &self.agent, session.channel_id);
        }
        Ok(queued)
    }

    async fn text(
        &self,
        session: &Session,
        queued: &Queued,
        introduction: Option<&Introduction>,
    ) -> Result<String, StateError> {
        let (id, before) = (self.id, queued.id);
        let mut since = self.bridge.state.write(move |state| to_know(state, id, before)).await?;
        if introduction.is_some() {
            // The introduction has the messages.
            since.retain(|item| item.message_id.is_none());
        }
        let roster = self.agent.roster();
        let channel = roster.channel_name(session.channel_id).unwrap_or("this channel");
        Ok(prompt(&PromptContext {
            roster: &roster,
            channel,
            introduction,
            since: &since,
            left_out: session.left_out,
            now: &queued.item,
        }))
    }

    /// Reads what the agent is told first; waits while the server is unavailable.
    async fn introduction(&self, session: &Session, before: Option<MessageId>) -> Introduction {
        let mut backoff = Backoff::default();
        loop {
            let error = match self.read_introduction(session, before).await {
                Ok(introduction) => return introduction,
                Err(ServerError::Unauthorized(_)) => {
                    self.agent.key_works().await;
                    continue;
                }
                Err(error) => error,
            };
            let Some(wait) = error.delay(&mut backoff) else {
                // An answer without it is better than none.
                tracing::warn!(agent.name = %self.agent.config.name, %error, "a session starts without an introduction");
                return Introduction { topic: None, project: None, tasks: Vec::new(), messages: Vec::new() };
            };
            tokio::time::sleep(wait).await;
        }
    }

    async fn read_introduction(
        &self,
        session: &Session,
        before: Option<MessageId>,
    ) -> Result<Introduction, ServerError> {
        let server = &self.agent.server;
        let project = match session.project_id {
            Some(id) => Some(server.project(id).await?),
            None => None,
        };
        let tasks = server.open_tasks(session.project_id).await?;
        let count = self.agent.config.history_fetch_count;
        let messages = match count {
            0 => Vec::new(),
            count => server.history(session.channel_id, before, count).await?,
        };
        let topic = self.agent.roster().topic(session.channel_id).map(str::to_owned);
        Ok(Introduction { topic, project, tasks, messages })
    }
}
