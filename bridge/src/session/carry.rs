//! Hands a delivery to the Gateway and waits for its end.
//!
//! Where an end was seen it counts. Where it may have been missed (another connection, an empty
//! end) the transcript decides, see [`super::verdict`].

use std::time::Duration;

use mission_control_client::Backoff;
use mission_control_shared::ReceiptState;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use super::Runner;
use super::end::Outcome;
use super::verdict::{Verdict, reaches_back, verdict};
use crate::fault::Step;
use crate::gateway::{AckStatus, CallError, ChatSend, Connection, LinkStatus, Row, SessionEvent};
use crate::state::{Delivery, Session, StateError};

/// How long the Gateway may be away before a human who waits is told.
const AWAY: Duration = Duration::from_secs(120);
/// How long it may be away before a command is answered without it.
const AWAY_FOR_COMMAND: Duration = Duration::from_secs(5);
/// How often the transcript is read while the end may come under another run.
const LOOK: Duration = Duration::from_secs(3);
/// How often it is read, to be safe, while the end is expected.
const LOOK_RARELY: Duration = Duration::from_secs(60);
/// Rows that are read of a transcript in which nothing of ours is near the end.
const FAR_BACK: u32 = 1_000;
/// How often the channel is shown that the agent types.
const TYPING: Duration = Duration::from_millis(2_500);
/// Refusals after which a delivery is given up.
const REFUSALS: u32 = 5;

/// The connection has ended: look again on the next one.
struct Lost;

/// What to do next on a connection.
enum Next {
    Send,
    Look { ended: bool, owned: bool },
    Wait { owned: bool },
}

/// A delivery on one connection.
struct Crossing<'a> {
    runner: &'a Runner,
    session: &'a Session,
    delivery: &'a mut Delivery,
    connection: &'a Connection,
    refusals: &'a mut u32,
    deadline: Instant,
}

impl Runner {
    /// Carries a delivery to its end. `known` = the Gateway may have it already.
    pub(super) async fn carry(
        &self,
        session: &Session,
        delivery: &Delivery,
        mut known: bool,
    ) -> Result<Outcome, StateError> {
        let mut delivery = delivery.clone();
        let deadline = Instant::now() + self.agent.config.run_timeout;
        let mut refusals = 0;
        loop {
            let connection = match self.connection(session, &delivery).await? {
                Ok(connection) => connection,
                Err(outcome) => return Ok(outcome),
            };
            let mut crossing = Crossing {
                runner: self,
                session,
                delivery: &mut delivery,
                connection: &connection,
                refusals: &mut refusals,
                deadline,
            };
            match crossing.cross(known).await? {
                Ok(outcome) => return Ok(outcome),
                Err(Lost) => {
                    known = true;
                    // The next call would find the same connection, if it is only slow.
                    tokio::select! {
                        () = connection.closed() => {}
                        () = sleep(Duration::from_secs(1)) => {}
                    }
                }
            }
        }
    }

    /// Waits for the Gateway. A command does not wait long; a human is told when it takes long.
    async fn connection(
        &self,
        session: &Session,
        delivery: &Delivery,
    ) -> Result<Result<Connection, Outcome>, StateError> {
        let patience = if delivery.is_command { AWAY_FOR_COMMAND } else { AWAY };
        let since = match &*self.bridge.gateway.status().borrow() {
            LinkStatus::Down { since, .. } => since.elapsed(),
            LinkStatus::Up { .. } => Duration::ZERO,
        };
        tokio::select! {
            connection = self.bridge.gateway.connection() => return Ok(Ok(connection)),
            () = sleep(patience.saturating_sub(since)) => {}
        }
        if delivery.is_command {
            return Ok(Err(Outcome::Command(
                "The OpenClaw Gateway cannot be reached at the moment.".to_owned(),
            )));
        }
        if delivery.item.by_human() {
            self.tell_away(session, delivery).await?;
        }
        Ok(Ok(self.bridge.gateway.connection().await))
    }
}

impl Crossing<'_> {
    fn key(&self) -> &str {
        self.delivery.keys.last().map_or(&self.delivery.id, |key| key)
    }

    async fn cross(&mut self, known: bool) -> Result<Result<Outcome, Lost>, StateError> {
        let mut events = self.connection.session_events(&self.session.key);
        match self.connection.subscribe(&self.session.key).await {
            // What it has against it, it will say of the message too.
            Ok(()) | Err(CallError::Refused { .. }) => {}
            Err(CallError::Lost | CallError::TimedOut) => return Ok(Err(Lost)),
        }
        let mut next = if known { Next::Look { ended: false, owned: false } } else { Next::Send };
        loop {
            let step = match next {
                Next::Send => self.send().await?,
                Next::Look { ended, owned } => self.look(ended, owned).await?,
                Next::Wait { owned } => self.wait(&mut events, owned).await,
            };
            match step {
                Ok(On::Go(step)) => next = step,
                Ok(On::End(outcome)) => return Ok(Ok(outcome)),
                Err(Lost) => return Ok(Err(Lost)),
            }
        }
    }

    async fn send(&mut self) -> Result<Result<On, Lost>, StateError> {
        let send = ChatSend {
            session_key: self.session.key.clone(),
            message: self.delivery.text.clone(),
            idempotency_key: self.key().to_owned(),
            suppress_commands: !self.delivery.is_command,
        };
        let fault = &self.runner.bridge.fault;
        let sent = self.connection.send_chat(&send, || fault.reach(Step::Sent)).await;
        match sent {
            Ok(ack) => {
                fault.reach(Step::Acked);
                Ok(Ok(match ack.status {
                    AckStatus::Started | AckStatus::InFlight => {
                        self.runner.note(self.session, self.delivery, ReceiptState::Delivered);
                        On::Go(Next::Wait { owned: true })
                    }
                    AckStatus::Stopped => On::End(Outcome::Stopped),
                    AckStatus::Ok => On::Go(Next::Look { ended: true, owned: false }),
                    AckStatus::Timeout { .. } => On::End(Outcome::Stopped),
                    AckStatus::Error { summary } => On::End(Outcome::Failed(summary)),
                    AckStatus::Other(_) => On::Go(Next::Wait { owned: false }),
                }))
            }
            Err(error) => self.refused(error).await,
        }
    }

    /// The Gateway did not take it.
    async fn refused(&mut self, error: CallError) -> Result<Result<On, Lost>, StateError> {
        let CallError::Refused { message, retryable, retry_after, payload, .. } = error else {
            return Ok(Err(Lost));
        };
        let failed = payload.as_ref().is_some_and(|payload| payload["status"] == "error");
        if retryable {
            sleep(retry_after.unwrap_or(Duration::from_secs(1))).await;
            return Ok(Ok(On::Go(Next::Send)));
        }
        if message.contains("is archived") {
            let restored = self.connection.restore(&self.session.key).await;
            if restored.is_ok() {
                return Ok(Ok(On::Go(Next::Send)));
            }
        }
        if message.contains("Pending input ownership ended") {
            return self.send_anew().await;
        }
        if failed {
            // The run of this key has failed before; what for is in the transcript.
            return Ok(Ok(On::Go(Next::Look { ended: true, owned: false })));
        }
        *self.refusals += 1;
        tracing::warn!(agent.name = %self.runner.agent.config.name, error = %message, "the Gateway refused a delivery");
        if *self.refusals >= REFUSALS {
            return Ok(Ok(On::End(Outcome::Failed(message))));
        }
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(10));
        for _ in 1..*self.refusals {
            backoff.next();
        }
        sleep(backoff.next()).await;
        Ok(Ok(On::Go(Next::Send)))
    }

    /// Sends it under a key that the Gateway has never seen.
    async fn send_anew(&mut self) -> Result<Result<On, Lost>, StateError> {
        let key = format!("{}:{}", self.delivery.id, self.delivery.keys.len() + 1);
        let (delivery, added) = (self.delivery.clone(), key.clone());
        self.runner.bridge.state.write(move |state| delivery.add_key(state, &added)).await?;
        self.delivery.keys.push(key);
        Ok(Ok(On::Go(Next::Send)))
    }

    /// Reads the transcript. `ended` = the run has ended for certain.
    async fn look(&mut self, ended: bool, owned: bool) -> Result<Result<On, Lost>, StateError> {
        let key = &self.session.key;
        let read = match self.connection.history(key).await {
            // A run of many tools: what was asked lies further up.
            Ok(history) if !reaches_back(&history) => self.connection.newest(key, FAR_BACK).await,
            read => read,
        };
        let history = match read {
            Ok(history) => history,
            Err(CallError::Refused { retryable: true, retry_after, .. }) => {
                sleep(retry_after.unwrap_or(Duration::from_secs(1))).await;
                return Ok(Ok(On::Go(Next::Look { ended, owned })));
            }
            Err(CallError::Refused { .. }) => return self.send().await,
            Err(CallError::Lost | CallError::TimedOut) => return Ok(Err(Lost)),
        };
        Ok(Ok(match verdict(&history, &self.delivery.keys) {
            Verdict::Answered(row) => match self.whole(&row).await {
                Ok(text) => On::End(self.answered(Some(text))),
                Err(lost) => return Ok(Err(lost)),
            },
            Verdict::Failed(reason) => On::End(Outcome::Failed(reason)),
            Verdict::Aborted => On::End(Outcome::Stopped),
            Verdict::Wait => {
                self.runner.note(self.session, self.delivery, ReceiptState::Working);
                On::Go(Next::Wait { owned })
            }
            Verdict::Send | Verdict::SendAnew if ended => On::End(self.answered(None)),
            Verdict::Send => On::Go(Next::Send),
            Verdict::SendAnew => return self.send_anew().await,
        }))
    }

    /// The whole text of a row: long ones are cut in the transcript.
    async fn whole(&self, row: &Row) -> Result<String, Lost> {
        if !row.truncated {
            return Ok(row.text.clone());
        }
        match self.connection.message(&self.session.key, &row.id).await {
            Ok(text) => Ok(text.unwrap_or_else(|| row.text.clone())),
            Err(CallError::Refused { .. }) => Ok(row.text.clone()),
            Err(CallError::Lost | CallError::TimedOut) => Err(Lost),
        }
    }

    fn answered(&self, text: Option<String>) -> Outcome {
        match text {
            Some(text) if self.delivery.is_command => Outcome::Command(text),
            text => Outcome::Answered(text.unwrap_or_default()),
        }
    }

    /// Waits for the end. `owned` = it comes under our own key, else under any run.
    async fn wait(&mut self, events: &mut UnboundedReceiver<SessionEvent>, owned: bool) -> Result<On, Lost> {
        let look = if owned { LOOK_RARELY } else { LOOK };
        let looks = sleep(look);
        tokio::pin!(looks);
        let mut typing = interval_at(Instant::now(), TYPING);
        typing.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut working = !owned;
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    None => return Err(Lost),
                    Some(event) => {
                        if !working && matches!(event, SessionEvent::Status { .. } | SessionEvent::Delta { .. }) {
                            working = true;
                            self.runner.note(self.session, self.delivery, ReceiptState::Working);
                        }
                        if let Some(on) = self.event(event) {
                            return Ok(on);
                        }
                    }
                },
                () = &mut looks => return Ok(On::Go(Next::Look { ended: false, owned })),
                _ = typing.tick() => if working { self.runner.show_typing(self.session) },
                () = tokio::time::sleep_until(self.deadline) => {
                    let _ = self.connection.abort(&self.session.key, None).await;
                    let minutes = self.runner.agent.config.run_timeout.as_secs() / 60;
                    return Ok(On::End(Outcome::Failed(format!("it took longer than {minutes} minutes and was aborted"))));
                }
            }
        }
    }

    /// What an event of the session means for the delivery.
    fn event(&self, event: SessionEvent) -> Option<On> {
        let ours = |run_id: &str| self.delivery.keys.iter().any(|key| key == run_id);
        match event {
            SessionEvent::Final { run_id, text, .. } if ours(&run_id) => Some(match text {
                Some(text) if !text.trim().is_empty() => On::End(self.answered(Some(text))),
                // Nothing to say, or said in another run.
                _ => On::Go(Next::Look { ended: true, owned: false }),
            }),
            SessionEvent::Failed { run_id, reason, .. } if ours(&run_id) => {
                Some(On::End(Outcome::Failed(reason)))
            }
            SessionEvent::Aborted { run_id, .. } if ours(&run_id) => Some(On::End(Outcome::Stopped)),
            SessionEvent::Final { run_id, .. } if run_id.starts_with("inject-") => None,
            // A run that goes on with what a crash interrupted has an id of its own.
            SessionEvent::Final { .. } | SessionEvent::Failed { .. } | SessionEvent::Aborted { .. } => {
                Some(On::Go(Next::Look { ended: false, owned: false }))
            }
            _ => None,
        }
    }
}

/// Where a step leads.
enum On {
    Go(Next),
    End(Outcome),
}
