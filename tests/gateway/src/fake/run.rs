//! A run: from the acknowledged message to `final`, `error` or `aborted`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::methods::MODELS;
use super::model::{self, Plan};
use super::state::{Answer, End, Process, Row, Run, State, now};
use super::{Inner, Point, command as commands};
use crate::ModelRequest;

/// More than this of an answer is cut off without a mark.
const MOST_CHARACTERS: usize = 500_000;
const FAILED: &str = "LLM request failed: provider rejected the request schema or tool payload.";
const TIMED_OUT: &str = "Request timed out before a response was generated. Please try again, or increase \
    `agents.defaults.timeoutSeconds` in your config.";
const INTERRUPTED: &str = "[System] Your previous turn was interrupted by a gateway restart. Continue where you \
    left off.";

impl Run {
    pub(super) fn new(session: &str, text: &str, owner: u64, session_existed: bool) -> Run {
        Run {
            session: session.to_owned(),
            text: text.to_owned(),
            owner,
            session_existed,
            row: false,
            model_started: false,
            answered: false,
            seq: 0,
            said: String::new(),
            abort: CancellationToken::new(),
            stop_reason: None,
            steered: Vec::new(),
            resumed: false,
        }
    }
}

/// Waits where a test wants this run to wait.
async fn pass(inner: &Inner, generation: u64, run_id: &str, point: Point) {
    let held = {
        let mut state = inner.state();
        if state.alive(generation).is_none() {
            return;
        }
        let at = state.holds.iter().position(|(at, ..)| *at == point);
        at.map(|at| state.holds.remove(at))
    };
    if let Some((_, reached, release)) = held {
        let _ = reached.send(run_id.to_owned());
        // An error: the test has let go.
        let _ = release.await;
    }
}

/// The run's own events of the stream `chat`.
fn chat(state: &mut State, run_id: &str, mut fields: Value) {
    let Some(run) = state.process().runs.get_mut(run_id) else { return };
    run.seq += 1;
    fields["runId"] = json!(run_id);
    fields["sessionKey"] = json!(run.session);
    fields["agentId"] = json!(run.session.split(':').nth(1));
    fields["seq"] = json!(run.seq);
    let key = run.session.clone();
    state.tell(&key, "chat", &fields);
}

fn lifecycle(state: &mut State, run_id: &str, phase: &str) {
    let Some(run) = state.process().runs.get(run_id) else { return };
    let (key, data) = (run.session.clone(), json!({ "phase": phase }));
    let payload =
        json!({ "runId": run_id, "sessionKey": key, "stream": "lifecycle", "data": data, "ts": now() });
    state.tell(&key, "agent", &payload);
}

fn message(text: &str) -> Value {
    json!({ "role": "assistant", "content": [{ "type": "text", "text": text }], "timestamp": now() })
}

/// Carries a run to its end. Nothing happens when its process is no more.
pub(super) async fn run(inner: Arc<Inner>, generation: u64, run_id: String, timeout: Option<Duration>) {
    let _ = carry(&inner, generation, &run_id, timeout).await;
}

async fn carry(inner: &Arc<Inner>, generation: u64, id: &str, timeout: Option<Duration>) -> Option<()> {
    tokio::task::yield_now().await;
    pass(inner, generation, id, Point::Acked).await;
    let abort = {
        let mut state = inner.state();
        let run = state.alive(generation)?.runs.get_mut(id)?;
        let (key, text, abort, resumed) =
            (run.session.clone(), run.text.clone(), run.abort.clone(), run.resumed);
        run.row = true;
        chat(&mut state, id, json!({ "state": "status", "phase": "preparing_workspace" }));
        chat(&mut state, id, json!({ "state": "status", "phase": "preparing_context" }));
        match state.sessions.get(&key).and_then(|session| session.row_of(id)) {
            // Its row is there and the last one said by a user: it runs, the row is not doubled.
            Some(true) => {}
            Some(false) => {
                end_with_error(&mut state, id, "Agent run failed", None);
                return None;
            }
            None => write_row(&mut state, &key, id, &text, resumed),
        }
        abort
    };
    pass(inner, generation, id, Point::RowWritten).await;
    let plan = ask(inner, generation, id)?;
    match plan {
        Plan::Fail(_) => {
            let mut state = inner.state();
            state.alive(generation)?;
            let detail = json!({
                "provider": "mock", "model": "mock-a", "failoverReason": "format",
                "providerRuntimeFailureKind": "schema",
            });
            end_with_error(&mut state, id, FAILED, Some(detail));
        }
        Plan::Hang => {
            say(inner, generation, id, "hanging... ")?;
            pass(inner, generation, id, Point::ModelStarted).await;
            let limit = timeout.unwrap_or(Duration::from_secs(3_600));
            if tokio::time::timeout(limit, abort.cancelled()).await.is_err() {
                let mut state = inner.state();
                state.alive(generation)?;
                end_with_error(&mut state, id, TIMED_OUT, None);
            }
        }
        Plan::Chunks { chunks, delay } => {
            for (number, chunk) in chunks.iter().enumerate() {
                say(inner, generation, id, chunk)?;
                if number == 0 {
                    pass(inner, generation, id, Point::ModelStarted).await;
                }
                if !delay.is_zero() {
                    tokio::time::sleep(delay).await;
                }
            }
            finish(inner, generation, id).await?;
        }
    }
    Some(())
}

fn write_row(state: &mut State, key: &str, id: &str, text: &str, resumed: bool) {
    let mut row = Row::new("user", text.trim());
    if resumed {
        row.extra = json!({ "provenance": { "kind": "internal_system" } });
    } else {
        row.key = Some(format!("{id}:user"));
    }
    state.add_row(key, row);
    if let Some(session) = state.sessions.get_mut(key) {
        session.unfinished = None;
    }
}

/// Asks the model.
fn ask(inner: &Inner, generation: u64, id: &str) -> Option<Plan> {
    let keeps = inner.options().keeps_requests;
    let mut state = inner.state();
    let run = state.alive(generation)?.runs.get_mut(id)?;
    let (key, text) = (run.session.clone(), run.text.clone());
    run.model_started = true;
    lifecycle(&mut state, id, "start");
    chat(&mut state, id, json!({ "state": "status", "phase": "starting_model" }));
    let session = state.sessions.get(&key)?;
    let model = session.model.as_deref().unwrap_or(MODELS[0]).to_owned();
    let plan = if text.contains("ECHOCTX") {
        model::plan(&text, &session.texts(), &model)
    } else {
        model::plan(&text, &[], &model)
    };
    if keeps {
        state.requests.push(ModelRequest { model, text });
    }
    Some(plan)
}

/// The model has said some more. Nothing when the run is over.
fn say(inner: &Inner, generation: u64, id: &str, chunk: &str) -> Option<()> {
    let mut state = inner.state();
    let run = state.alive(generation)?.runs.get_mut(id)?;
    let before = run.said.trim_end().len();
    run.said.push_str(chunk);
    let shown = run.said.trim_end().to_owned();
    let delta = shown[before..].to_owned();
    if delta.is_empty() {
        return Some(());
    }
    if let Some(wide) = delta.chars().find(|c| *c > '\u{ffff}') {
        half(&mut state, id, wide);
    }
    // Many quick deltas become few: what grows with the square of an answer would be slow.
    if shown.len() < 4_096 {
        let delta = json!({ "state": "delta", "deltaText": delta, "message": message(&shown) });
        chat(&mut state, id, delta);
    }
    Some(())
}

/// A delta that ends in half a character: no valid JSON for a strict reader.
fn half(state: &mut State, id: &str, wide: char) {
    let Some(key) = state.process().runs.get(id).map(|run| run.session.clone()) else { return };
    let first = wide.encode_utf16(&mut [0; 2])[0];
    for connection in state.process().connections.values_mut() {
        if !connection.scoped || connection.subscribed.contains(&key) {
            connection.seq += 1;
            let frame = format!(
                "{{\"type\":\"event\",\"event\":\"chat\",\"payload\":{{\"runId\":\"{id}\",\"sessionKey\":\"{key}\",\
                 \"seq\":0,\"state\":\"delta\",\"deltaText\":\"\\u{first:04x}\"}},\"seq\":{}}}",
                connection.seq
            );
            let _ = connection.out.send(tokio_tungstenite::tungstenite::Message::text(frame));
        }
    }
}

/// The answer into the transcript, then `final`. Messages that came meanwhile are answered first.
async fn finish(inner: &Arc<Inner>, generation: u64, id: &str) -> Option<()> {
    loop {
        {
            let mut state = inner.state();
            let run = state.alive(generation)?.runs.get(id)?;
            let (key, text) = (run.session.clone(), run.said.trim_end().to_owned());
            // Of several answers in one run each is a row.
            let earlier: usize = state.sessions[&key]
                .rows
                .iter()
                .filter(|row| row.run_id.as_deref() == Some(id))
                .map(|row| row.text.len() + 2)
                .sum();
            answer_row(&mut state, &key, id, text.get(earlier..).unwrap_or_default());
            state.process().runs.get_mut(id)?.answered = true;
        }
        pass(inner, generation, id, Point::AnswerWritten).await;
        let mut state = inner.state();
        let run = state.alive(generation)?.runs.get_mut(id)?;
        if run.steered.is_empty() {
            let said: String = run.said.trim_end().chars().take(MOST_CHARACTERS).collect();
            let over = json!({ "state": "final", "stopReason": "stop", "message": message(&said) });
            lifecycle(&mut state, id, "end");
            chat(&mut state, id, over);
            end(&mut state, id, End::Ok);
            return Some(());
        }
        let (steered, text) = run.steered.remove(0);
        let key = run.session.clone();
        let empty = json!({ "runId": steered, "sessionKey": key, "seq": 1, "state": "final" });
        write_row(&mut state, &key, &steered, &text, false);
        state.tell(&key, "chat", &empty);
        let answer = Answer { session: key, text: text.clone(), end: End::Ok };
        state.process().answers.insert(steered.clone(), answer);
        if let Some(record) = state.records.get_mut(&steered) {
            record.ended = Some(Instant::now());
        }
        let run = state.process().runs.get_mut(id)?;
        run.answered = false;
        run.said = format!("{}\n\n", run.said.trim_end());
        if let Plan::Chunks { chunks, .. } = model::plan(&text, &[], MODELS[0]) {
            run.said.push_str(&chunks.concat());
        }
        let request = ModelRequest { model: MODELS[0].to_owned(), text };
        state.requests.push(request);
    }
}

fn answer_row(state: &mut State, key: &str, id: &str, text: &str) {
    let mut row = Row::new("assistant", text);
    let model = state.sessions[key].model.as_deref().unwrap_or(MODELS[0]).to_owned();
    row.run_id = Some(id.to_owned());
    row.extra = json!({ "provider": "mock", "model": model, "stopReason": "stop" });
    state.add_row(key, row);
}

/// The run is over: it is remembered by its key.
fn end(state: &mut State, id: &str, end: End) {
    let process: &mut Process = state.process();
    let Some(run) = process.runs.remove(id) else { return };
    process.answers.insert(id.to_owned(), Answer { session: run.session, text: run.text, end });
    if let Some(record) = state.records.get_mut(id) {
        record.ended = Some(Instant::now());
    }
}

/// `error`, twice as the real one says it, and the row that is no answer.
fn end_with_error(state: &mut State, id: &str, reason: &str, detail: Option<Value>) {
    let Some(run) = state.process().runs.get(id) else { return };
    let key = run.session.clone();
    let mut error = json!({ "state": "error", "errorMessage": reason });
    match detail {
        Some(detail) => error["errorDetail"] = detail,
        None if reason == TIMED_OUT => error["errorKind"] = json!("timeout"),
        None => {}
    }
    lifecycle(state, id, "error");
    chat(state, id, error);
    let mut row = Row::new("assistant", &format!("⚠️ Agent failed before reply: {reason}"));
    row.key = Some(format!("{id}:terminal-error"));
    row.extra = json!({ "stopReason": "error", "errorMessage": reason });
    state.add_row(&key, row);
    end(state, id, End::Error(reason.to_owned()));
    let again = json!({ "runId": id, "sessionKey": key, "seq": 1, "state": "error", "errorMessage": reason });
    state.tell(&key, "chat", &again);
}

/// Stops what runs in a session; gives the run ids.
pub(super) fn abort(state: &mut State, key: &str, only: Option<&str>, reason: &'static str) -> Vec<String> {
    let mut stopped = state.active_runs(key);
    stopped.retain(|id| only.is_none_or(|only| only == id));
    for id in &stopped {
        let Some(run) = state.process().runs.get_mut(id) else { continue };
        run.abort.cancel();
        run.stop_reason = Some(reason);
        let said = run.said.trim_end().to_owned();
        let mut over = json!({ "state": "aborted", "stopReason": reason });
        if !said.is_empty() {
            over["message"] = message(&said);
        }
        chat(state, id, over);
        if !said.is_empty() {
            let mut row = Row::new("assistant", &said);
            row.key = Some(format!("{id}:assistant"));
            row.extra = json!({
                "stopReason": "stop",
                "openclawAbort": { "aborted": true, "origin": reason, "runId": id },
            });
            state.add_row(key, row);
        }
        end(state, id, End::Aborted(reason));
    }
    stopped
}

/// A command: the Gateway answers, the model is not asked.
pub(super) fn command(
    inner: &Inner,
    key: &str,
    run_id: &str,
    asked: &str,
    name: &'static str,
    rest: &str,
    admin: bool,
) {
    let mut state = inner.state();
    if state.process.is_none() {
        return;
    }
    let Some(session) = state.sessions.get_mut(key) else { return };
    let resets = matches!(name, "/new" | "/reset");
    let text = if resets && !admin {
        "⚠️ You are not authorized to reset this session. Gateway resets require operator.admin and command \
         access."
            .to_owned()
    } else {
        if resets {
            session.rows = vec![Row::new("system", "Reset")];
        }
        commands::answer(name, rest, &mut session.model, &MODELS)
    };
    write_row(&mut state, key, run_id, asked, false);
    let mut row = Row::new("assistant", &text);
    row.key = Some(run_id.to_owned());
    row.extra = json!({ "provider": "openclaw", "model": "gateway-injected", "stopReason": "stop" });
    state.add_row(key, row);
    let mut said = message(&text);
    said["model"] = json!("gateway-injected");
    said["provider"] = json!("openclaw");
    said["stopReason"] = json!("stop");
    said["idempotencyKey"] = json!(run_id);
    let over = json!({ "runId": run_id, "sessionKey": key, "seq": 1, "state": "final", "message": said });
    state.tell(key, "chat", &over);
    let answer = Answer { session: key.to_owned(), text: asked.to_owned(), end: End::Ok };
    state.process().answers.insert(run_id.to_owned(), answer);
    if let Some(record) = state.records.get_mut(run_id) {
        record.ended = Some(Instant::now());
    }
}

/// Some time after a start: goes on with the runs that a kill interrupted, under new run ids.
pub(super) async fn resume(inner: Arc<Inner>, generation: u64) {
    let wait = inner.options().resumes_after;
    tokio::time::sleep(wait).await;
    let mut begun = Vec::new();
    {
        let mut state = inner.state();
        if state.alive(generation).is_none() {
            return;
        }
        let unfinished: Vec<String> = state
            .sessions
            .iter()
            .filter(|(_, session)| session.unfinished.is_some())
            .map(|(key, _)| key.clone())
            .collect();
        for key in unfinished {
            let id = Uuid::new_v4().to_string();
            let mut run = Run::new(&key, INTERRUPTED, 0, true);
            run.resumed = true;
            state.process().runs.insert(id.clone(), run);
            begun.push(id);
        }
    }
    let runs = begun.into_iter().map(|id| run(Arc::clone(&inner), generation, id, None));
    futures_util::future::join_all(runs).await;
}
