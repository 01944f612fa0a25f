//! What stands before every route: headers, methods, bodies, limits, slow clients, paths.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Actor, Reply, TestHub};

const ME: &str = "/api/v1/auth/me";
const LOGIN: &str = "/api/v1/auth/login";

async fn asks(actor: &Actor, method: &str, path: &str) -> Reply {
    actor.send(actor.request(method.parse().unwrap(), path)).await
}

/// A POST with this body as it is.
async fn sends(actor: &Actor, path: &str, body: impl Into<reqwest::Body>) -> Reply {
    let request = actor.request(Method::POST, path).header("content-type", "application/json");
    actor.send(request.body(body)).await
}

/// What the server says to these bytes, until it hangs up.
async fn says_to(hub: &TestHub, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(hub.config.server.listen).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // A reset after the answer is as good as an end.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn assert_dressed(reply: &Reply, secure: bool) {
    let what = format!("{} {}", reply.asked, reply.status);
    for (header, value) in [
        (
            "content-security-policy",
            "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
             font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
        ),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "strict-origin-when-cross-origin"),
        ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
        ("x-mc-api-version", "2026.1"),
        ("strict-transport-security", if secure { "max-age=63072000" } else { "" }),
    ] {
        assert_eq!(reply.header(header), value, "{what}: {header}");
    }
    assert_eq!(reply.header("x-request-id").len(), 36, "{what}");
    assert!(!reply.header("cache-control").is_empty(), "{what}: nothing is kept by accident");
    assert_eq!(reply.header("access-control-allow-origin"), "", "{what}");
    assert_eq!(reply.header("server"), "", "{what}");
}

#[tokio::test]
async fn every_kind_of_answer_is_dressed() {
    for public_url in ["", "https://example.org", "https://example.org/mc"] {
        let hub = TestHub::start_with(|config| config.server.public_url = public_url.to_owned()).await;
        let base = hub.config.base_path();
        let here = format!("http://{}{}", hub.config.server.listen, base.trim_end_matches('/'));
        let nobody = Actor::anonymous(&here);
        let mut replies = Vec::new();
        for (method, path, status) in [
            ("GET", "/health", 200),
            ("HEAD", "/health", 200),
            ("GET", "/ready", 200),
            ("GET", "/", 200),
            ("GET", "/projects/7", 200),
            ("GET", "/assets/nothing.js", 404),
            ("GET", "/metrics", 404),
            ("GET", "/api/v1/openapi.json", 200),
            ("GET", "/api/v1/auth/providers", 200),
            ("GET", ME, 401),
            ("DELETE", ME, 405),
            ("OPTIONS", ME, 405),
            ("POST", LOGIN, 415),
            ("GET", "/api/v1/nothing", 404),
            ("GET", "/api/", 404),
            ("POST", "/nothing", 404),
        ] {
            let reply = asks(&nobody, method, path).await;
            assert_eq!(reply.status, status, "{method} {path} of {public_url:?}");
            replies.push(reply);
        }
        if base != "/" {
            // Beside the path, where a proxy that forgot it would ask.
            let outside = Actor::anonymous(&format!("http://{}", hub.config.server.listen));
            let to_base = asks(&outside, "GET", "/").await;
            assert_eq!((to_base.status, to_base.header("location")), (307, base.as_str()));
            replies.push(to_base);
            for (method, path, status) in [("GET", "/health", 404), ("GET", ME, 404), ("POST", "/", 405)] {
                let reply = asks(&outside, method, path).await;
                assert_eq!(reply.status, status, "{method} {path} beside {base}");
                assert!(reply.json()["error"]["code"].is_string(), "{method} {path}: {}", reply.text);
                replies.push(reply);
            }
        }
        let mut ids = std::collections::HashSet::new();
        for reply in &replies {
            assert_dressed(reply, hub.config.secure());
            assert!(ids.insert(reply.header("x-request-id").to_owned()), "each request has its own id");
        }
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_take_is_405_with_those_it_takes() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let kay = hub.agent(&acme, "kay").await;
    for (method, path, allow) in [
        ("DELETE", ME.to_owned(), "GET,HEAD"),
        ("OPTIONS", ME.to_owned(), "GET,HEAD"),
        ("PUT", acme.path("/users"), "GET,HEAD,POST"),
        ("OPTIONS", acme.path("/users"), "GET,HEAD,POST"),
        ("BREW", acme.path("/users/me"), "DELETE,GET,HEAD,PATCH"),
        ("GET", LOGIN.to_owned(), "POST"),
        ("TRACE", "/health".to_owned(), "GET,HEAD"),
        ("POST", "/api/v1/openapi.json".to_owned(), "GET,HEAD"),
    ] {
        let reply = asks(&kay, method, &path).await;
        assert_eq!(reply.refusal(), "405 METHOD_NOT_ALLOWED", "{method} {path}");
        let mut allowed: Vec<_> = reply.header("allow").split(',').map(str::trim).collect();
        allowed.sort_unstable();
        assert_eq!(allowed.join(","), allow, "{method} {path}");
    }
    let (head, get) = (asks(&kay, "HEAD", ME).await.expect_status(200), kay.get(ME).await);
    assert_eq!((head.text.as_str(), head.header("content-type")), ("", "application/json"));
    assert_eq!(head.header("content-length"), get.text.len().to_string());
}

#[tokio::test]
async fn what_is_not_there_is_json_below_api_and_the_page_elsewhere() {
    let hub = TestHub::start().await;
    let nobody = hub.anonymous();
    for path in ["/api", "/api/", "/api/v1", "/api/v1/", "/api/v2/users", "/api/v1/auth/me/", "/api//x"] {
        for method in ["GET", "POST", "DELETE"] {
            let reply = asks(&nobody, method, path).await;
            assert_eq!(reply.refusal(), "404 NOT_FOUND", "{method} {path}");
            assert_eq!(reply.header("content-type"), "application/json");
        }
    }
    for path in ["/", "/login", "/acme/projects/1", "/index.html", "/%ff", "/?q=1"] {
        let reply = nobody.get(path).await.expect_status(200);
        assert_eq!(reply.header("content-type"), "text/html; charset=utf-8", "{path}");
        assert!(reply.text.contains("Mission Control"), "{path}");
    }
    for path in ["/favicon.nothing", "/assets/x", "/..%2f..%2fetc%2fpasswd.txt", "/.env"] {
        assert_eq!(nobody.get(path).await.refusal(), "404 NOT_FOUND", "{path}");
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_whether_it_says_so_or_not() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let path = acme.path("/tasks");
    let of_length = |length: usize| {
        let frame = r#"{"title":"x","description":""}"#.len();
        format!(r#"{{"title":"x","description":"{}"}}"#, "a".repeat(length - frame))
    };
    const LIMIT: usize = 1024 * 1024;
    // Read whole, and refused for what it says.
    assert_eq!(sends(&acme.admin, &path, of_length(LIMIT)).await.fields(), ["description"]);
    for length in [LIMIT + 1, 3 * LIMIT, 20 * LIMIT] {
        let reply = sends(&acme.admin, &path, of_length(length)).await;
        assert_eq!(reply.refusal(), "413 BODY_TOO_LARGE", "{length}");
        let body = of_length(length).into_bytes();
        let chunks: Vec<_> =
            body.chunks(64 * 1024).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec())).collect();
        let streamed = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
        assert_eq!(
            sends(&acme.admin, &path, streamed).await.refusal(),
            "413 BODY_TOO_LARGE",
            "{length} in chunks"
        );
    }
    // Who says beforehand what they will send need not send it.
    let head = format!(
        "POST {LOGIN} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         expect: 100-continue\r\nconnection: close\r\n\r\n",
        10 * LIMIT
    );
    let answer = says_to(&hub, head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn a_body_that_is_not_json_is_415() {
    let hub = TestHub::start().await;
    let nobody = hub.anonymous();
    let body = r#"{"email":"a@b.example","password":"x"}"#;
    for kind in
        ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp"]
    {
        let request = nobody.request(Method::POST, LOGIN).header("content-type", kind).body(body);
        assert_eq!(nobody.send(request).await.refusal(), "415 UNSUPPORTED_MEDIA_TYPE", "{kind}");
    }
    for kind in ["application/json", "Application/JSON; charset=utf-8"] {
        let request = nobody.request(Method::POST, LOGIN).header("content-type", kind).body(body);
        assert_eq!(nobody.send(request).await.refusal(), "401 WRONG_CREDENTIALS", "{kind}");
    }
}

#[tokio::test]
async fn a_broken_body_is_400_and_says_where() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let path = acme.path("/tasks");
    let deep = |open: &str, close: &str, levels: usize| {
        format!(r#"{{"title":"x","description":{}{}}}"#, open.repeat(levels), close.repeat(levels))
    };
    let bodies: Vec<(&str, Vec<u8>, &str)> = vec![
        ("nothing", b"".to_vec(), "body"),
        ("half", br#"{"title":"#.to_vec(), "title"),
        ("two", br#"{"title":"x"}{}"#.to_vec(), "body"),
        ("no JSON", b"title=x".to_vec(), "body"),
        ("null", b"null".to_vec(), "body"),
        ("an array of the fields in order", br#"["x"]"#.to_vec(), "body"),
        ("a text", br#""title""#.to_vec(), "body"),
        ("invalid UTF-8", b"{\"title\":\"\xff\xfe\"}".to_vec(), "title"),
        ("half a surrogate pair", br#"{"title":"\ud800"}"#.to_vec(), "title"),
        ("a raw control character", b"{\"title\":\"a\nb\"}".to_vec(), "title"),
        ("U+0000", br#"{"title":"a\u0000b"}"#.to_vec(), "title"),
        ("U+0000 below", br#"{"title":"x","assignee_ids":["\u0000"]}"#.to_vec(), "assignee_ids.0"),
        ("U+0000 in a name", br#"{"ti\u0000tle":"x"}"#.to_vec(), "ti\u{fffd}tle"),
        ("200 arrays", deep("[", "]", 200).into_bytes(), "description"),
        ("200 objects", deep("{\"a\":", "}", 200).replace(":}", ":1}").into_bytes(), "description"),
        ("100,000 arrays", deep("[", "]", 100_000).into_bytes(), "description"),
        ("an unknown field", br#"{"title":"x","colour":"red"}"#.to_vec(), "colour"),
        ("a missing field", br#"{"description":"x"}"#.to_vec(), "title"),
        ("a field twice", br#"{"title":"x","title":"y"}"#.to_vec(), "title"),
        ("a number", br#"{"title":7}"#.to_vec(), "title"),
        ("a list", br#"{"title":["x"]}"#.to_vec(), "title"),
        ("no list", br#"{"title":"x","project_ids":"x"}"#.to_vec(), "project_ids"),
        ("a wrong item", br#"{"title":"x","project_ids":["x"]}"#.to_vec(), "project_ids.0"),
        ("a wrong choice", br#"{"title":"x","priority":"urgent"}"#.to_vec(), "priority"),
        ("a number without end", format!(r#"{{"title":{}}}"#, "9".repeat(100_000)).into_bytes(), "title"),
        ("a long text", format!(r#"{{"title":"{}"}}"#, "x".repeat(900_000)).into_bytes(), "title"),
    ];
    for (what, body, field) in bodies {
        let reply = sends(&acme.admin, &path, body).await;
        assert_eq!(reply.refusal(), "400 VALIDATION_FAILED", "{what}: {}", reply.text);
        assert_eq!(reply.fields(), [field], "{what}: {}", reply.text);
        assert!(reply.text.len() < 2_000, "{what}: the answer is as long as the question");
    }
    // What the caller sent does not come back at length.
    let long = "x".repeat(500_000);
    for body in [
        format!(r#"{{"{long}":1}}"#),
        format!(r#"{{"title":"x","priority":"{long}"}}"#),
        format!(r#"{{"title":"x","project_ids":["{long}"]}}"#),
        format!(r#"{{"title":"x","project_ids":"{long}"}}"#),
    ] {
        let reply = sends(&acme.admin, &path, body).await;
        assert_eq!(reply.status, 400);
        assert!(reply.text.len() < 2_000, "an answer of {} bytes", reply.text.len());
    }
    assert!(acme.admin.get(&path).await.json()["data"].as_array().unwrap().is_empty(), "nothing was stored");
    // A backslash before `u0000` is text like any other.
    let task =
        sends(&acme.admin, &path, br#"{"title":"a\\u0000b"}"#.to_vec()).await.expect_status(201).json();
    assert_eq!(task["title"], "a\\u0000b");
}

#[tokio::test]
async fn a_caller_who_asks_too_much_waits_and_nobody_else_does() {
    let hub = TestHub::start_with(|config| config.limits.request_budget = 1).await;
    let acme = hub.tenant("acme").await;
    let kay = hub.agent(&acme, "kay").await;
    let max = hub.agent(&acme, "max").await;
    let replies = futures_util::future::join_all((0..12).map(|_| kay.get(ME))).await;
    let refused: Vec<_> = replies.iter().filter(|reply| reply.status != 200).collect();
    // Four seconds' worth are saved up.
    assert!((6..=8).contains(&refused.len()), "{} of 12", refused.len());
    for reply in refused {
        assert_eq!((reply.refusal().as_str(), reply.header("retry-after")), ("429 RATE_LIMITED", "1"));
    }
    max.get(ME).await.expect_status(200);
    hub.anonymous().get("/health").await.expect_status(200);
    // Who waits as told is served.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
    while kay.get(ME).await.status == 429 {
        assert!(tokio::time::Instant::now() < deadline, "the budget does not come back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A proxy sends what it has before it looks for an answer.
#[tokio::test]
async fn a_refusal_arrives_although_the_body_is_still_on_its_way() {
    let hub = TestHub::start().await;
    let large = vec![b'x'; 3_000_000];
    for (what, path, refusal) in
        [("too large", LOGIN, "413"), ("not signed in", "/api/v1/orgs/acme/tasks", "4")]
    {
        let mut stream = TcpStream::connect(hub.config.server.listen).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            large.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        for (number, piece) in large.chunks(100_000).enumerate() {
            if number == 1 {
                // It has answered: what comes now comes late.
                stream.peek(&mut [0]).await.unwrap();
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            stream
                .write_all(piece)
                .await
                .unwrap_or_else(|error| panic!("{what}: the body is taken: {error}"));
        }
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap_or_else(|error| panic!("{what}: no answer: {error}"));
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {refusal}")), "{what}: {answer}");
    }
}

#[tokio::test]
async fn a_head_that_never_ends_is_cut() {
    let hub = TestHub::start().await;
    let mut slow = TcpStream::connect(hub.config.server.listen).await.unwrap();
    slow.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\nx-slow: ").await.unwrap();
    let mut idle = TcpStream::connect(hub.config.server.listen).await.unwrap();
    let mut kept = TcpStream::connect(hub.config.server.listen).await.unwrap();
    kept.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = [0; 15];
    kept.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    // The server lives in this runtime: from here on its time runs as fast as nothing happens.
    tokio::time::pause();
    let started = tokio::time::Instant::now();
    for (what, stream) in [("half a head", &mut slow), ("no head", &mut idle), ("no second head", &mut kept)]
    {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        assert!(started.elapsed() <= Duration::from_secs(61), "{what}: cut after {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn a_body_that_dribbles_is_cut_and_keeps_nobody_waiting() {
    let hub = TestHub::start().await;
    let mut slow = TcpStream::connect(hub.config.server.listen).await.unwrap();
    let head = format!(
        "POST {LOGIN} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{{"
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    // It is being waited for while others are served.
    hub.anonymous().get("/api/v1/auth/providers").await.expect_status(200);
    tokio::time::pause();
    let started = tokio::time::Instant::now();
    let mut answer = Vec::new();
    let mut chunk = [0; 1_024];
    // One byte every few seconds keeps no request alive either.
    loop {
        tokio::select! {
            read = slow.read(&mut chunk) => match read {
                Ok(0) | Err(_) => break,
                Ok(length) => answer.extend_from_slice(&chunk[..length]),
            },
            () = tokio::time::sleep(Duration::from_secs(5)) => {
                if slow.write_all(b" ").await.is_err() {
                    break;
                }
            }
        }
    }
    assert!(started.elapsed() <= Duration::from_secs(31), "cut after {:?}", started.elapsed());
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("did not arrive within 20 s"), "{answer}");
}

#[tokio::test]
async fn a_hundred_slow_clients_keep_nobody_waiting() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let mut crowd = Vec::new();
    for number in 0..100 {
        let mut stream = TcpStream::connect(hub.config.server.listen).await.unwrap();
        let head = format!("POST {LOGIN} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n");
        let rest = if number % 2 == 0 { "content-length: 100\r\n\r\n{" } else { "x-slow: " };
        stream.write_all(format!("{head}{rest}").as_bytes()).await.unwrap();
        crowd.push(stream);
    }
    let served = async {
        for number in 0..10 {
            acme.admin.creates_task(&format!("Task {number}")).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), served).await.unwrap();
}

#[tokio::test]
async fn what_is_no_http_is_turned_away() {
    let hub = TestHub::start().await;
    for (what, bytes, status) in [
        ("no request", "hello\r\n\r\n".to_owned(), "400"),
        (
            "a head too long",
            format!("GET / HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "x".repeat(100_000)),
            "431",
        ),
        ("a path too long", format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(100_000)), "4"),
        (
            "two lengths",
            format!("POST {LOGIN} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{{}}"),
            "400",
        ),
    ] {
        let answer = says_to(&hub, bytes.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{what}: {answer}");
    }
    hub.anonymous().get("/health").await.expect_status(200);
}

#[tokio::test]
async fn metrics_are_for_the_bearer_of_their_token() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let kay = hub.agent(&acme, "kay").await;
    for (who, actor) in [
        ("nobody", hub.anonymous()),
        ("a wrong token", hub.bearer("metrics")),
        ("an empty token", hub.bearer("")),
        ("an agent", kay),
        ("an administrator", acme.admin),
    ] {
        assert_eq!(actor.get("/metrics").await.refusal(), "404 NOT_FOUND", "{who}");
    }
    let metrics = hub.bearer("metrics-token").get("/metrics").await.expect_status(200);
    assert!(metrics.header("content-type").starts_with("text/plain"));
    assert!(metrics.text.contains("mc_process_resident_bytes"), "{}", metrics.text);
    for secret in ["acme", "admin@", "mc_ak_"] {
        assert!(!metrics.text.contains(secret), "metrics name nobody: {secret}");
    }
    let closed = TestHub::start_with(|config| config.metrics.token = None).await;
    assert_eq!(closed.bearer("").get("/metrics").await.refusal(), "404 NOT_FOUND");
    assert_eq!(closed.bearer("None").get("/metrics").await.refusal(), "404 NOT_FOUND");
}

#[tokio::test]
async fn under_a_path_everything_is_served_there_and_nothing_elsewhere() {
    let hub =
        TestHub::start_with(|config| config.server.public_url = "http://localhost/tools/mc".to_owned()).await;
    let here = Actor::anonymous(&format!("http://{}/tools/mc", hub.config.server.listen));
    for (path, kind) in [
        ("", "text/html; charset=utf-8"),
        ("/", "text/html; charset=utf-8"),
        ("/acme/board", "text/html; charset=utf-8"),
        ("/health", "application/json"),
        ("/api/v1/openapi.json", "application/json"),
        ("/api/v1/auth/providers", "application/json"),
    ] {
        assert_eq!(here.get(path).await.expect_status(200).header("content-type"), kind, "{path}");
    }
    assert_eq!(here.get("/api/nothing").await.refusal(), "404 NOT_FOUND");
    assert_eq!(asks(&here, "DELETE", ME).await.refusal(), "405 METHOD_NOT_ALLOWED");
    let outside = Actor::anonymous(&format!("http://{}", hub.config.server.listen));
    for path in ["/health", ME, "/tools", "/tools/", "/tools/mcx", "/tools/mcx/health"] {
        assert_eq!(outside.get(path).await.refusal(), "404 NOT_FOUND", "{path}");
    }
    let token = mission_control::auth::sign_in::setup_token(hub.dir()).unwrap();
    let first = json!({
        "token": token, "org_name": "Acme", "org_slug": "acme", "email": "ada@acme.example", "display_name": "Ada",
        "password": crate::support::PASSWORD,
    });
    let ada = Actor::signed_in(
        &here.base,
        "acme",
        &here.post("/api/v1/auth/setup", first).await.expect_status(201),
    );
    let body =
        json!({"type": "human", "email": "bob@acme.example", "display_name": "Bob", "role": "contributor"});
    let invited: Value = ada.post(&ada.path("/users"), body).await.expect_status(201).json();
    assert!(
        invited["invite_url"].as_str().unwrap().starts_with("http://localhost/tools/mc/invite#"),
        "{invited}"
    );
    // The same POST again is the same POST, under the path as well.
    let body = json!({"name": "Apollo", "type": "docs"});
    let first = ada.post_once(&ada.path("/projects"), "once", body.clone()).await.expect_status(201).json();
    let again = ada.post_once(&ada.path("/projects"), "once", body).await.expect_status(201);
    assert_eq!((again.header("idempotent-replayed"), again.json()), ("true", first));
}
