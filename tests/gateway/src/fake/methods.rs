//! The methods: who may call them with what, and what they answer.

use std::sync::Arc;

use serde_json::{Value, json};

use super::command::{self, Meaning};
use super::state::{Answer, End, Row, Run, Session, State};
use super::{Inner, RunRecord, run};

/// The models of every agent; the first is the default.
pub(super) const MODELS: [&str; 2] = ["mock-a", "mock-b"];

/// The methods that it has.
pub(super) const NAMES: [&str; 17] = [
    "health",
    "agents.list",
    "models.list",
    "chat.send",
    "chat.history",
    "chat.message.get",
    "chat.abort",
    "sessions.abort",
    "sessions.messages.subscribe",
    "sessions.messages.unsubscribe",
    "sessions.describe",
    "sessions.patch",
    "sessions.list",
    "sessions.send",
    "sessions.create",
    "sessions.reset",
    "sessions.delete",
];

/// Why a request is not carried out.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    code: &'static str,
    pub(super) message: String,
    details: Option<Value>,
    retry_after_ms: Option<u64>,
    pub(super) payload: Option<Box<Value>>,
}

impl Refusal {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { code, message: message.into(), details: None, retry_after_ms: None, payload: None }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Refusal {
        Refusal::new("INVALID_REQUEST", message)
    }

    pub(super) fn starting() -> Refusal {
        let refusal = Refusal::new("UNAVAILABLE", "gateway starting; retry shortly");
        refusal.retry(500).with(json!({ "reason": "startup-sidecars" }))
    }

    pub(super) fn with(mut self, details: Value) -> Refusal {
        self.details = Some(details);
        self
    }

    fn retry(mut self, after_ms: u64) -> Refusal {
        self.retry_after_ms = Some(after_ms);
        self
    }

    pub(super) fn to_json(&self) -> Value {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let Some(details) = &self.details {
            error["details"] = details.clone();
        }
        if let Some(after) = self.retry_after_ms {
            error["retryable"] = json!(true);
            error["retryAfterMs"] = json!(after);
        }
        error
    }
}

type Answered = Result<Value, Refusal>;
/// What begins when the answer has been sent.
pub(super) type After = Option<Box<dyn FnOnce() + Send>>;

/// Scope, required and optional parameters of a method.
fn signature(method: &str) -> Option<(&'static str, &'static [&'static str], &'static [&'static str])> {
    let (read, write, admin) = ("operator.read", "operator.write", "operator.admin");
    Some(match method {
        "health" => ("", &[], &["probe"]),
        "agents.list" | "models.list" => (read, &[], &[]),
        "chat.send" => (
            write,
            &["sessionKey", "message", "idempotencyKey"],
            &["agentId", "sessionId", "timeoutMs", "deliver", "thinking", "suppressCommandInterpretation"],
        ),
        "sessions.send" => (write, &["key", "message"], &["idempotencyKey"]),
        "chat.history" => (read, &["sessionKey"], &["limit", "maxChars"]),
        "chat.message.get" => (read, &["sessionKey", "messageId"], &["maxChars"]),
        "chat.abort" => (write, &["sessionKey"], &["runId"]),
        "sessions.abort" => (write, &["key"], &["runId", "clearQueued"]),
        "sessions.messages.subscribe" | "sessions.messages.unsubscribe" | "sessions.describe" => {
            (read, &["key"], &[])
        }
        "sessions.list" => (read, &[], &["limit", "offset", "search", "label", "archived", "agentId"]),
        "sessions.patch" => (write, &["key"], &["archived", "expectedSessionId", "model", "label"]),
        "sessions.create" => (write, &[], &["key", "agentId", "model", "label", "parentSessionKey"]),
        "sessions.reset" => (admin, &["key"], &["reason"]),
        "sessions.delete" => (admin, &["key"], &["archivedOnly"]),
        _ => return None,
    })
}

pub(super) fn call(inner: &Arc<Inner>, id: u64, method: &str, params: &Value) -> (Answered, After) {
    let mut state = inner.state();
    if let Err(refusal) = may(&state, id, method, params) {
        return (Err(refusal), None);
    }
    if matches!(method, "chat.send" | "sessions.send") {
        let sent = existing(inner, &state, method, params);
        return match sent.and_then(|params| send(inner, &mut state, id, &params)) {
            Ok((payload, after)) => (Ok(payload), after),
            Err(refusal) => (Err(refusal), None),
        };
    }
    (plain(inner, &mut state, id, method, params), None)
}

fn may(state: &State, id: u64, method: &str, params: &Value) -> Result<(), Refusal> {
    let unknown = || Refusal::invalid(format!("unknown method: {method}"));
    if method == "connect" {
        return Err(Refusal::invalid("already connected"));
    }
    let (scope, required, optional) = signature(method).ok_or_else(unknown)?;
    if !scope.is_empty() && !scopes(state, id).is_some_and(|scopes| scopes.contains(scope)) {
        let details = json!({ "code": "MISSING_SCOPE", "missingScope": scope, "requiredScopes": [scope] });
        return Err(Refusal::new("FORBIDDEN", format!("missing scope: {scope}")).with(details));
    }
    let given = params.as_object().ok_or_else(|| Refusal::invalid("params must be an object"))?;
    if let Some(missing) = required.iter().find(|name| !given.contains_key(**name)) {
        let message = format!("invalid {method} params: must have required property '{missing}'");
        return Err(Refusal::invalid(message));
    }
    let known = |name: &str| required.contains(&name) || optional.contains(&name);
    if let Some(unknown) = given.keys().find(|name| !known(name)) {
        let message = format!("invalid {method} params: at root: unexpected property '{unknown}'");
        return Err(Refusal::invalid(message));
    }
    Ok(())
}

fn scopes(state: &State, id: u64) -> Option<&std::collections::HashSet<String>> {
    Some(&state.process.as_ref()?.connections.get(&id)?.scopes)
}

fn is_admin(state: &State, id: u64) -> bool {
    scopes(state, id).is_some_and(|scopes| scopes.contains("operator.admin"))
}

/// The key in the form that every event carries, and its agent.
fn canonical(inner: &Inner, key: &Value) -> Result<(String, String), Refusal> {
    let key = key.as_str().unwrap_or_default().trim().to_lowercase();
    let agents = inner.options().agents.clone();
    let key = if key.starts_with("agent:") { key } else { format!("agent:{}:{key}", agents[0]) };
    let mut parts = key.splitn(3, ':').skip(1);
    let (agent, rest) = (parts.next().unwrap_or_default().to_owned(), parts.next().unwrap_or_default());
    if rest.is_empty() {
        return Err(Refusal::invalid(format!("malformed session key \"{key}\"")));
    }
    if !agents.contains(&agent) {
        return Err(Refusal::invalid(format!("Agent \"{agent}\" no longer exists in configuration")));
    }
    Ok((key, agent))
}

/// The parameters of `chat.send`; `sessions.send` delivers only to a session that is there.
fn existing(inner: &Inner, state: &State, method: &str, params: &Value) -> Result<Value, Refusal> {
    if method == "chat.send" {
        return Ok(params.clone());
    }
    let (key, _) = canonical(inner, &params["key"])?;
    if !state.sessions.contains_key(&key) {
        return Err(Refusal::invalid(format!("session not found: {key}")));
    }
    let made = || json!(uuid::Uuid::new_v4().to_string());
    let idempotency = params.get("idempotencyKey").cloned().unwrap_or_else(made);
    Ok(json!({ "sessionKey": key, "message": params["message"], "idempotencyKey": idempotency }))
}

fn send(inner: &Arc<Inner>, state: &mut State, id: u64, params: &Value) -> Result<(Value, After), Refusal> {
    let text = params["message"].as_str().unwrap_or_default();
    let run_id = params["idempotencyKey"].as_str().unwrap_or_default().to_owned();
    let suppress = params["suppressCommandInterpretation"] == true;
    if suppress && !is_admin(state, id) {
        return Err(Refusal::invalid("system provenance fields require admin scope"));
    }
    let (key, agent) = canonical(inner, &params["sessionKey"])?;
    if text.is_empty() {
        return Err(Refusal::invalid("message or attachment required"));
    }
    if text.contains('\0') {
        return Err(Refusal::invalid("message must not contain null bytes"));
    }
    if state.process().draining {
        let refusal = Refusal::new("UNAVAILABLE", "gateway is restarting; retry shortly").retry(1_000);
        return Err(refusal.with(json!({ "reason": "gateway-restarting" })));
    }
    if state.sessions.get(&key).is_some_and(|session| session.archived) {
        let message = format!("Session \"{key}\" is archived. Restore it before starting new work.");
        return Err(Refusal::invalid(message));
    }
    if let Some(status) = known(state, &run_id, &key, text)? {
        return Ok((status, None));
    }
    if state.sessions.get(&key).is_some_and(|session| session.interrupted.contains(&run_id)) {
        let message = "Pending input ownership ended; submit a new turn to continue";
        return Err(Refusal::new("UNAVAILABLE", message));
    }
    let meaning = if suppress { Meaning::Text(text.to_owned()) } else { command::meaning(text) };
    let session_existed = state.sessions.contains_key(&key);
    if meaning != Meaning::Stop {
        state.sessions.entry(key.clone()).or_insert_with(|| Session::new(&agent));
    }
    let record = RunRecord {
        run_id: run_id.clone(),
        session_key: key.clone(),
        received: std::time::Instant::now(),
        ended: None,
    };
    state.records.entry(run_id.clone()).or_insert(record);
    let started = json!({ "runId": run_id, "status": "started" });
    let (inner, generation) = (Arc::clone(inner), state.generation);
    match meaning {
        Meaning::Stop => {
            let stopped = run::abort(state, &key, None, "stop");
            Ok((json!({ "ok": true, "aborted": !stopped.is_empty(), "runIds": stopped }), None))
        }
        Meaning::Command { name, rest } => {
            let (asked, admin) = (text.to_owned(), is_admin(state, id));
            let after = move || run::command(&inner, &key, &run_id, &asked, name, &rest, admin);
            Ok((started, Some(Box::new(after))))
        }
        Meaning::Text(text) => {
            let run = Run::new(&key, &text, id, session_existed);
            let timeout = params["timeoutMs"].as_u64().map(std::time::Duration::from_millis);
            let busy = state.active_runs(&key).first().cloned();
            if let Some(active) = busy {
                // The default queue mode: into the active run, at its next step.
                let active = state.process().runs.get_mut(&active).expect("it is active");
                active.steered.push((run_id, text));
                return Ok((started, None));
            }
            state.process().runs.insert(run_id.clone(), run);
            let stop = state.process().stop.clone();
            let after = move || {
                let tasks = inner.tasks.lock().unwrap().clone();
                let work = async move {
                    let _ = stop.run_until_cancelled(run::run(inner, generation, run_id, timeout)).await;
                };
                tasks.spawn(work);
            };
            Ok((started, Some(Box::new(after))))
        }
    }
}

/// What is remembered of a message with this key.
fn known(state: &mut State, run_id: &str, key: &str, text: &str) -> Result<Option<Value>, Refusal> {
    let process = state.process();
    let conflict = || {
        let message = "idempotency key was used for another request";
        Refusal::invalid(message).with(json!({ "reason": "chat-request-conflict" }))
    };
    if let Some(run) = process.runs.get(run_id) {
        if run.session != key || run.text != text {
            return Err(conflict());
        }
        return Ok(Some(json!({ "runId": run_id, "status": "in_flight" })));
    }
    let Some(Answer { session, text: asked, end }) = process.answers.get(run_id).cloned() else {
        return Ok(None);
    };
    if session != key || asked != text {
        return Err(conflict());
    }
    match end {
        End::Ok => Ok(Some(json!({ "runId": run_id, "status": "ok" }))),
        End::Aborted(reason) => Ok(Some(
            json!({ "runId": run_id, "status": "timeout", "summary": "aborted", "stopReason": reason }),
        )),
        End::Error(summary) => {
            let mut refusal = Refusal::new("UNAVAILABLE", summary.clone());
            refusal.payload = Some(Box::new(json!({ "status": "error", "summary": summary })));
            Err(refusal)
        }
    }
}

fn plain(inner: &Arc<Inner>, state: &mut State, id: u64, method: &str, params: &Value) -> Answered {
    let key_of = |name: &str| canonical(inner, &params[name]);
    match method {
        "health" => Ok(json!({ "ok": true, "ts": super::state::now() })),
        "agents.list" => {
            let agents = inner.options().agents.clone();
            let listed: Vec<Value> = agents.iter().map(|agent| json!({ "id": agent })).collect();
            Ok(json!({ "defaultId": agents[0], "mainKey": "main", "scope": "per-sender", "agents": listed }))
        }
        "models.list" => {
            let models = MODELS.map(|id| json!({ "id": id, "name": id, "provider": "mock" }));
            Ok(json!({ "models": models }))
        }
        "chat.history" => Ok(history(state, &key_of("sessionKey")?.0, params["limit"].as_u64())),
        "chat.message.get" => {
            let (key, _) = key_of("sessionKey")?;
            let rows = state.sessions.get(&key).map(|session| session.rows.as_slice()).unwrap_or_default();
            let found = rows.iter().position(|row| params["messageId"] == row.id.as_str());
            Ok(match found {
                Some(at) => json!({ "ok": true, "message": rows[at].shown(at + 1, true) }),
                None => json!({ "ok": false, "unavailableReason": "not_found" }),
            })
        }
        "chat.abort" => {
            let (key, _) = key_of("sessionKey")?;
            let stopped = abort(state, id, &key, params["runId"].as_str())?;
            Ok(json!({ "ok": true, "aborted": !stopped.is_empty(), "runIds": stopped }))
        }
        "sessions.abort" => {
            let (key, _) = key_of("key")?;
            let stopped = abort(state, id, &key, params["runId"].as_str())?;
            let status = if stopped.is_empty() { "no-active-run" } else { "aborted" };
            Ok(json!({ "ok": true, "abortedRunId": stopped.first(), "status": status }))
        }
        "sessions.messages.subscribe" | "sessions.messages.unsubscribe" => {
            let (key, _) = key_of("key")?;
            let subscribes = method.ends_with(".subscribe");
            let connection = state.process().connections.get_mut(&id).expect("it is connected");
            if subscribes {
                connection.subscribed.insert(key.clone());
            } else {
                connection.subscribed.remove(&key);
            }
            Ok(json!({ "subscribed": subscribes, "key": key }))
        }
        _ => sessions(state, method, params, key_of("key")),
    }
}

fn abort(state: &mut State, id: u64, key: &str, run: Option<&str>) -> Result<Vec<String>, Refusal> {
    let admin = is_admin(state, id);
    if !admin && state.process().runs.values().any(|run| run.session == key && run.owner != id) {
        return Err(Refusal::invalid("unauthorized"));
    }
    Ok(run::abort(state, key, run, "rpc"))
}

fn history(state: &State, key: &str, limit: Option<u64>) -> Value {
    let Some(session) = state.sessions.get(key) else {
        return json!({
            "sessionKey": key, "messages": [], "pendingInputs": { "items": [], "total": 0 },
            "hasMore": false, "totalMessages": 0,
        });
    };
    let total = session.rows.len();
    let first = total.saturating_sub(limit.unwrap_or(200).min(1_000) as usize);
    let rows: Vec<Value> =
        session.rows[first..].iter().enumerate().map(|(at, row)| row.shown(first + at + 1, false)).collect();
    let pending: Vec<Value> = session
        .interrupted
        .iter()
        .map(|run| json!({ "id": run, "state": "interrupted", "runId": run }))
        .chain(state.process.iter().flat_map(|process| process.runs.values()).flat_map(|run| {
            let steered = if run.session == key { run.steered.as_slice() } else { &[] };
            steered
                .iter()
                .map(|(id, text)| json!({ "id": id, "state": "queued", "message": text, "runId": id }))
        }))
        .collect();
    let mut payload = json!({
        "sessionKey": key, "sessionId": session.id, "messages": rows,
        "pendingInputs": { "total": pending.len(), "items": pending },
        "hasMore": first > 0, "totalMessages": total, "sessionInfo": state.describe(key),
    });
    let active = state.active_runs(key);
    if let Some(run) = active.first().and_then(|id| state.process.as_ref()?.runs.get(id))
        && run.model_started
    {
        payload["inFlightRun"] = json!({ "runId": active[0], "text": run.said });
    }
    payload
}

fn sessions(
    state: &mut State,
    method: &str,
    params: &Value,
    key: Result<(String, String), Refusal>,
) -> Answered {
    match method {
        "sessions.list" => {
            let archived = params["archived"] == true;
            let listed: Vec<Value> = state
                .sessions
                .iter()
                .filter(|(_, session)| session.archived == archived || params["archived"] == "all")
                .map(|(key, _)| state.describe(key))
                .collect();
            let count = listed.len();
            Ok(json!({ "sessions": listed, "count": count, "totalCount": count, "hasMore": false }))
        }
        "sessions.describe" => Ok(json!({ "session": state.describe(&key?.0) })),
        "sessions.create" => {
            let (key, agent) = key?;
            let session = state.sessions.entry(key.clone()).or_insert_with(|| Session::new(&agent));
            set_model(session, &params["model"])?;
            session.label = params["label"].as_str().map(str::to_owned);
            let id = session.id.clone();
            Ok(
                json!({ "ok": true, "key": key, "sessionId": id, "entry": { "sessionId": id }, "runStarted": false }),
            )
        }
        "sessions.patch" => {
            let (key, agent) = key?;
            let session = state.sessions.entry(key.clone()).or_insert_with(|| Session::new(&agent));
            if !params["model"].is_null() {
                set_model(session, &params["model"])?;
            }
            let id = session.id.clone();
            if let Some(archived) = params["archived"].as_bool() {
                if archived && params["expectedSessionId"] != id.as_str() {
                    let refusal = Refusal::invalid("session changed before it was archived");
                    return Err(refusal.with(json!({ "reason": "session-changed" })));
                }
                session.archived = archived;
                if archived {
                    run::abort(state, &key, None, "rpc");
                }
            }
            Ok(json!({ "ok": true, "key": key, "entry": { "sessionId": id } }))
        }
        "sessions.reset" => {
            let (key, agent) = key?;
            let session = state.sessions.entry(key.clone()).or_insert_with(|| Session::new(&agent));
            session.rows = vec![Row::new("system", "Reset")];
            let id = session.id.clone();
            Ok(json!({ "ok": true, "key": key, "entry": { "sessionId": id } }))
        }
        _ => {
            let (key, _) = key?;
            run::abort(state, &key, None, "rpc");
            let archived = state.sessions.get(&key).map(|session| session.archived);
            if params["archivedOnly"] == true && archived != Some(true) {
                return Err(Refusal::invalid(format!("Session \"{key}\" is not archived.")));
            }
            let deleted = state.sessions.remove(&key).is_some();
            Ok(json!({ "ok": true, "key": key, "deleted": deleted, "archived": [] }))
        }
    }
}

fn set_model(session: &mut Session, wanted: &Value) -> Result<(), Refusal> {
    let Some(wanted) = wanted.as_str() else { return Ok(()) };
    let known = MODELS.iter().find(|known| wanted == format!("mock/{known}"));
    let known = known.ok_or_else(|| Refusal::invalid(format!("model not allowed: {wanted}")))?;
    session.model = Some((*known).to_owned());
    Ok(())
}
