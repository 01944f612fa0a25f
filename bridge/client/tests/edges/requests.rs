//! What the requests look like, and what their answers come to.

use std::time::Duration;

use insta::assert_snapshot;
use mission_control_client::{Error, Options, Result, Retry, Server};
use mission_control_script::{KEY, Script, Step, answer, good, say};
use mission_control_shared::{
    ChannelId, Me, MessageId, NewMessage, NewReceipt, ProjectId, ReceiptState, Subscription, Subscriptions,
    TaskId, TopicType,
};
use uuid::Uuid;

use crate::{acme, acme_with};

const ME: &str = r#"{"id":"01a20cdc-9738-76bc-8fe5-c7c157b3f2c2","type":"agent","email":null,
    "display_name":"Builder","memberships":[],"active_org":null,"of_a_newer_server":[1]}"#;

fn channel() -> ChannelId {
    ChannelId(Uuid::from_u128(7))
}

/// What `me` comes to when it is answered so.
async fn me(answer: Vec<Step>) -> Result<Me> {
    acme(&Script::start(vec![answer]).await).client().me().await
}

/// In one line, having made sure that it holds no secret.
async fn refusal(answer: Vec<Step>) -> String {
    let error = me(answer).await.expect_err("is refused");
    assert!(!format!("{error} {error:?}").contains("do-not-tell"), "{error:?}");
    format!("{error} ({:?})", error.retry())
}

#[tokio::test]
async fn every_request_says_who_asks_and_for_what() {
    let list = r#"{"data":[],"pagination":{"page":1,"per_page":100,"total":0,"total_pages":0}}"#;
    let none = r#"{"data":[],"next_cursor":null}"#;
    let answers = [ME, "{}", list, "{}", list, list, list, list, "{}", none, "{}", "{}", "{}"];
    let mut script = Script::start(answers.map(good).into_iter().collect()).await;
    let server = acme(&script);
    let (project, task) = (ProjectId(Uuid::from_u128(1)), TaskId(Uuid::from_u128(2)));
    let message = MessageId(Uuid::from_u128(3));
    server.client().me().await.expect("answers");
    // What these come to is told elsewhere.
    let _ = server.organization().await;
    server.projects().await.expect("answers");
    let _ = server.project(project).await;
    server.users().await.expect("answers");
    server.channels().await.expect("answers");
    server.open_tasks(None).await.expect("answers");
    server.open_tasks(Some(project)).await.expect("answers");
    let _ = server.task(task).await;
    server.history(channel(), Some(message), 250).await.expect("answers");
    let topic = Subscription { topic_type: TopicType::Project, topic_id: project.0 };
    server.put_subscriptions(&Subscriptions { subscriptions: vec![topic] }).await.expect("answers");
    let receipt = NewReceipt { state: ReceiptState::Working, detail: Some("thinks".to_owned()) };
    server.put_receipt(channel(), message, &receipt).await.expect("answers");
    server.typing(channel()).await.expect("answers");
    let mut told = Vec::new();
    for _ in answers {
        told.push(script.request().await);
    }
    let told = told
        .join("\n\n")
        .replace(&format!("authorization: Bearer {KEY}\n"), "")
        .replace(&format!("authorization: Bearer {KEY}"), "");
    assert_snapshot!(told, @r#"
    GET /api/v1/auth/me HTTP/1.1

    GET /api/v1/orgs/acme HTTP/1.1

    GET /api/v1/orgs/acme/projects?assigned_to=me&per_page=100&page=1 HTTP/1.1

    GET /api/v1/orgs/acme/projects/00000000-0000-0000-0000-000000000001 HTTP/1.1

    GET /api/v1/orgs/acme/users?per_page=100&page=1 HTTP/1.1

    GET /api/v1/orgs/acme/channels?per_page=100&page=1 HTTP/1.1

    GET /api/v1/orgs/acme/tasks?assigned_to=me&status=backlog&status=in-progress&status=in-review&per_page=100&page=1 HTTP/1.1

    GET /api/v1/orgs/acme/tasks?assigned_to=me&status=backlog&status=in-progress&status=in-review&project_id=00000000-0000-0000-0000-000000000001&per_page=100&page=1 HTTP/1.1

    GET /api/v1/orgs/acme/tasks/00000000-0000-0000-0000-000000000002 HTTP/1.1

    GET /api/v1/orgs/acme/channels/00000000-0000-0000-0000-000000000007/messages?limit=100&before=00000000-0000-0000-0000-000000000003 HTTP/1.1

    PUT /api/v1/orgs/acme/subscriptions HTTP/1.1
    content-type: application/json
    {"subscriptions":[{"topic_type":"project","topic_id":"00000000-0000-0000-0000-000000000001"}]}

    PUT /api/v1/orgs/acme/channels/00000000-0000-0000-0000-000000000007/messages/00000000-0000-0000-0000-000000000003/receipt HTTP/1.1
    content-type: application/json
    {"state":"working","detail":"thinks"}

    POST /api/v1/orgs/acme/channels/00000000-0000-0000-0000-000000000007/typing HTTP/1.1
    "#);
}

#[tokio::test]
async fn a_message_is_posted_under_its_key() {
    let mut script = Script::start(vec![answer(
        "409 Conflict",
        "",
        r#"{"error":{"code":"IDEMPOTENCY_MISMATCH","message":"another body","status":409}}"#,
    )])
    .await;
    let new = NewMessage {
        content: "done \"now\" 🦀".to_owned(),
        kind: None,
        mentions: Vec::new(),
        task_id: None,
        reply_to_id: Some(MessageId(Uuid::from_u128(3))),
        ..NewMessage::default()
    };
    let refused = acme(&script).post_message(channel(), &new, "delivery:1").await.expect_err("is refused");
    assert_snapshot!(refused, @r#"
    the server refused: another body (IDEMPOTENCY_MISMATCH, 409)
    "#);
    assert_snapshot!(script.request().await, @r#"
    POST /api/v1/orgs/acme/channels/00000000-0000-0000-0000-000000000007/messages HTTP/1.1
    authorization: Bearer mc_ak_live_aaaaaaaa_do-not-tell
    idempotency-key: delivery:1
    content-type: application/json
    {"content":"done \"now\" 🦀","reply_to_id":"00000000-0000-0000-0000-000000000003"}
    "#);
}

#[tokio::test]
async fn a_key_can_be_replaced() {
    let mut script = Script::start(vec![answer("401 Unauthorized", "", ""), good(ME)]).await;
    let server = acme(&script);
    assert!(matches!(server.client().me().await, Err(Error::Unauthorized(_))));
    server.client().set_key("another".to_owned().into());
    assert_eq!(server.client().me().await.expect("answers").display_name, "Builder");
    script.request().await;
    assert!(script.request().await.contains("authorization: Bearer another"));
}

#[tokio::test]
async fn history_goes_back_over_pages_and_comes_oldest_first() {
    let page = |numbers: &[u128], next: &str| {
        let messages = numbers.iter().map(|number| {
            format!(
                r#"{{"id":"{}","org_id":"{nil}","channel_id":"{nil}","sender":{{"id":"{nil}","handle":"ada","display_name":"Ada","type":"human"}},
                   "kind":"text","content":"{number}","mentions":[],"task_id":null,"reply_to_id":null,"hops":0,"receipts":[],
                   "created_at":"2026-11-24T09:00:00.000Z","deleted_at":null}}"#,
                Uuid::from_u128(*number),
                nil = Uuid::nil(),
            )
        });
        good(&format!(r#"{{"data":[{}],"next_cursor":{next}}}"#, messages.collect::<Vec<_>>().join(",")))
    };
    let four = Uuid::from_u128(4);
    let mut script =
        Script::start(vec![page(&[5, 4], &format!("\"{four}\"")), page(&[3, 2, 1], "null")]).await;
    let messages = acme(&script).history(channel(), None, 150).await.expect("answers");
    let told: Vec<&str> = messages.iter().map(|message| &*message.content).collect();
    assert_eq!(told, ["1", "2", "3", "4", "5"]);
    assert!(script.request().await.contains("messages?limit=100 "));
    assert!(script.request().await.contains(&format!("messages?limit=100&before={four} ")));
}

#[tokio::test]
async fn a_server_that_cannot_answer_now_is_asked_again_when_it_says() {
    let busy = r#"{"error":{"code":"UNAVAILABLE","message":"the server is stopping","status":503}}"#;
    let told = [
        refusal(answer("503 Service Unavailable", "retry-after: 7", busy)).await,
        refusal(answer("429 Too Many Requests", "retry-after: 2", "")).await,
        refusal(answer("500 Internal Server Error", "", "<html>")).await,
        refusal(answer("502 Bad Gateway", "retry-after: soon", "")).await,
        refusal(answer("408 Request Timeout", "", "")).await,
        refusal(vec![]).await,
        refusal(vec![say("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"id\":")]).await,
        refusal(vec![say("what is this?\r\n\r\n")]).await,
        refusal(answer("200 OK", "", "<html>a portal</html>")).await,
    ];
    assert_snapshot!(told.join("\n"), @r#"
    the server cannot answer now: the server is stopping (After(7s))
    the server cannot answer now: HTTP 429 Too Many Requests without Mission Control's error body (a proxy in between?) (After(2s))
    the server cannot answer now: HTTP 500 Internal Server Error without Mission Control's error body (a proxy in between?) (Later)
    the server cannot answer now: HTTP 502 Bad Gateway without Mission Control's error body (a proxy in between?) (Later)
    the server cannot answer now: HTTP 408 Request Timeout without Mission Control's error body (a proxy in between?) (Later)
    the server cannot be reached: connection closed before message completed (Later)
    the server cannot be reached: end of file before message length reached (Later)
    the server cannot be reached: invalid HTTP version parsed (Later)
    the server's answer cannot be read: expected value at line 1 column 1 (Later)
    "#);
}

#[tokio::test]
async fn what_the_server_refuses_is_refused_for_good() {
    let unknown = r#"{"error":{"code":"VALIDATION_FAILED","message":"the request is not valid","status":400,
        "details":[{"field":"content","message":"must not be empty"}]}}"#;
    let told = [
        refusal(answer("400 Bad Request", "", unknown)).await,
        refusal(answer(
            "401 Unauthorized",
            "",
            r#"{"error":{"code":"UNAUTHENTICATED","message":"sign in first","status":401}}"#,
        ))
        .await,
        refusal(answer("404 Not Found", "", "<html>nginx</html>")).await,
        refusal(answer("302 Found", "location: https://elsewhere.example/login", "")).await,
    ];
    assert_snapshot!(told.join("\n"), @r#"
    the server refused: the request is not valid; `content` must not be empty (VALIDATION_FAILED, 400) (Never)
    the server does not accept the key: sign in first (Never)
    the server refused: HTTP 404 Not Found without Mission Control's error body (a proxy in between?) (HTTP_404, 404) (Never)
    the server refused: it redirects to https://elsewhere.example/login; the server's address must be the final address (REDIRECT, 302) (Never)
    "#);
}

#[tokio::test]
async fn a_server_of_another_api_is_not_believed() {
    let told = [
        refusal(answer("200 OK", "x-mc-api-version: 2027.1", ME)).await,
        refusal(answer("401 Unauthorized", "x-mc-api-version: 2026.0", "")).await,
        refusal(answer("200 OK", "x-mc-api-version: latest", ME)).await,
    ];
    assert_snapshot!(told.join("\n"), @r#"
    the server speaks API 2027.1, mission-control-client speaks 2026.1 and works with servers of 2026.1 to 2026.x: update mission-control-client (Never)
    the server speaks API 2026.0, mission-control-client speaks 2026.1 and works with servers of 2026.1 to 2026.x: update the server, or install the mission-control-client that belongs to it (Never)
    the server speaks API latest, mission-control-client speaks 2026.1 and works with servers of 2026.1 to 2026.x: check that the server's address is Mission Control's (Never)
    "#);
    me(answer("200 OK", "x-mc-api-version: 2026.99", ME)).await.expect("a newer minor is good enough");
    me(answer("200 OK", "", ME)).await.expect("a proxy may have taken the header away");
}

#[tokio::test]
async fn a_server_that_does_not_go_with_this_bridge_is_believed_when_it_says_so() {
    let refused = r#"{"error":{"code":"UNSUPPORTED_API_VERSION","message":"the client speaks API 2026.1: update it","status":400}}"#;
    let script = Script::start(vec![answer("400 Bad Request", "x-mc-api-version: 2026.7", refused)]).await;
    let error = acme(&script).client().me().await.expect_err("is refused");
    assert!(
        matches!(&error, Error::Unsupported(reason) if reason == "the client speaks API 2026.1: update it")
    );
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let patience = Duration::from_secs(1);
    for steps in [vec![Step::Hang], vec![say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"), Step::Hang]] {
        let server = acme_with(&Script::start(vec![steps]).await, patience, patience);
        let error = server.client().me().await.expect_err("is given up");
        assert_eq!(error.to_string(), "the server did not answer within 1 s");
        assert_eq!(error.retry(), Retry::Later);
    }
}

#[tokio::test]
async fn an_answer_without_end_fills_no_memory() {
    let endless = vec![
        say("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"),
        Step::Say(vec![b' '; 20 << 20]),
        Step::Hang,
    ];
    let error = me(endless).await.expect_err("is given up");
    assert_eq!(error.to_string(), "the server's answer cannot be read: it is larger than 16 MiB");
}

#[tokio::test]
async fn a_key_that_no_header_can_carry_is_told_without_showing_it() {
    let server = acme(&Script::nowhere().await);
    server.client().set_key("do-not-tell\nx: y".to_owned().into());
    let error = server.client().me().await.expect_err("is refused");
    assert_snapshot!(error, @r#"
    the server does not accept the key: it has characters that no key has: copy it again
    "#);
}

#[tokio::test]
async fn nobody_there_is_told_shortly() {
    let mut script = Script::nowhere().await;
    let error = acme(&script).client().me().await.expect_err("nobody is there");
    assert_eq!(error.to_string(), "the server cannot be reached: Connection refused (os error 111)");
    script.url = "http://no-such-host.invalid".to_owned();
    let error = acme(&script).client().me().await.expect_err("nobody is there").to_string();
    assert!(error.starts_with("the server cannot be reached: ") && error.contains("lookup"), "{error}");
}

#[tokio::test]
async fn a_compressed_answer_is_not_read_as_text() {
    let error = me(answer("200 OK", "content-encoding: gzip", "\u{1f}\u{8b}")).await.expect_err("is refused");
    assert_snapshot!(error, @"the server's answer cannot be read: it is compressed (gzip) though that was not asked for (a proxy in between?)");
    me(answer("200 OK", "content-encoding: identity", ME)).await.expect("is as it was asked for");
}

#[tokio::test]
async fn a_wrong_request_never_leaves() {
    let acme = acme(&Script::nowhere().await);
    let told = [
        acme.post("tasks").idempotency_key("two\nlines").done().await,
        acme.post("tasks").json(&std::collections::HashMap::from([((1, 2), 3)])).done().await,
    ]
    .map(|answer| format!("{}", answer.expect_err("is refused")));
    assert_snapshot!(told.join("\n"), @r"
    the request is not valid: `idempotency-key` has characters that no header can carry
    the request is not valid: the body: key must be a string
    ");
}

#[tokio::test]
async fn a_person_signs_in_and_is_named_by_their_session() {
    let signed_in = answer(
        "200 OK",
        "set-cookie: __Host-mc_session=s1; Path=/; HttpOnly\nset-cookie: __Host-mc_csrf=c1; Path=/",
        ME,
    );
    let mut script = Script::start(vec![signed_in, good(ME), answer("200 OK", "", ME)]).await;
    let server = Server::new(Options::new(&*script.url)).expect("a client");
    let person = server.sign_in("ada@acme.example", "do-not-tell").await.expect("signs in");
    person.me().await.expect("answers");
    assert_snapshot!(script.request().await, @r#"
    POST /api/v1/auth/login HTTP/1.1
    content-type: application/json
    {"email":"ada@acme.example","password":"do-not-tell"}
    "#);
    assert_snapshot!(script.request().await, @r"
    GET /api/v1/auth/me HTTP/1.1
    cookie: __Host-mc_session=s1; __Host-mc_csrf=c1
    x-csrf-token: c1
    ");
    let error = server.sign_in("ada@acme.example", "do-not-tell").await.expect_err("opens no session");
    assert_eq!(error.to_string(), "the server's answer cannot be read: it opens no session");
    assert!(!format!("{person:?} {server:?}").contains("s1"));
}

#[test]
fn an_address_that_cannot_work_is_told_at_once() {
    let told = ["mc.example.org", "ftp://mc.example.org", "http://"]
        .map(|url| Server::new(Options::new(url)).expect_err("is refused").to_string());
    assert_snapshot!(told.join("\n"), @r"
    `mc.example.org` is not an address: relative URL without a base
    `ftp://mc.example.org` is not an address: it must begin with `http://` or `https://`
    `http:` is not an address: empty host
    ");
}
