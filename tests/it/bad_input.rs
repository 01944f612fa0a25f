//! What is wrong in form, on every route of the OpenAPI document: it is refused in the API's own
//! words, names the field, and changes nothing.

mod schema;

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::guards::{World, body, document, is_outside, routes, short};
use crate::support::{Actor, Reply, Tenant, TestHub};
use schema::{Field, fields, resolved};

/// Largest body that is taken.
const BODY_LIMIT: usize = 1024 * 1024;

/// A route that takes a body, with what can stand in it.
struct Route {
    method: Method,
    /// As the document names it.
    name: String,
    /// With the world's ids in it.
    path: String,
    /// Its fields, by the document; none where the body says nothing.
    fields: BTreeMap<String, Field>,
    /// A body that would be taken.
    good: Value,
}

/// A body of a route without an organization, which would be taken but for what it names.
fn outside_body(route: &str) -> Value {
    match route.strip_prefix("POST /api/v1/auth").unwrap() {
        "/setup" => json!({
            "token": "t", "org_name": "O", "org_slug": "oscorp", "email": "a@example.org", "display_name": "A",
            "password": "correct horse battery",
        }),
        "/login" => json!({"email": "a@example.org", "password": "wrong horse battery"}),
        "/password" => json!({"current": "wrong horse battery", "new": "correct horse battery"}),
        "/password-reset" => json!({"email": "a@example.org"}),
        "/password-reset/confirm" => json!({"token": "t", "password": "correct horse battery"}),
        "/invite/accept" => json!({"token": "t", "display_name": "A", "password": "correct horse battery"}),
        "/refresh" | "/logout" => json!({}),
        other => panic!("no body is known for {other}"),
    }
}

/// Every route that takes a JSON body; an upload takes any bytes.
fn routes_with_bodies(world: &World) -> Vec<Route> {
    let document = document();
    let writing = routes()
        .into_iter()
        .filter(|(method, _)| [Method::POST, Method::PATCH, Method::PUT].contains(method))
        .filter(|(method, path)| short(method, path) != "POST /files");
    let route = |(method, path): (Method, String)| {
        let operation = &document["paths"][&path][method.as_str().to_lowercase()];
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let name = short(&method, &path);
        let good = if is_outside(&path) {
            outside_body(&name)
        } else {
            body(world, &name).unwrap_or_else(|| json!({}))
        };
        Route { name, path: world.fill(&path), fields: fields(&document, schema), good, method }
    };
    writing.map(route).collect()
}

/// A hub with one thing of each noun, and what was wrong with its answers.
struct Trial {
    _hub: TestHub,
    acme: Tenant,
    world: World,
    wrong: Vec<String>,
}

impl Trial {
    async fn start() -> Trial {
        let hub = TestHub::start().await;
        let acme = hub.tenant("acme").await;
        let world = World::build(&hub, &acme).await;
        Trial { _hub: hub, acme, world, wrong: Vec::new() }
    }

    fn admin(&self) -> &Actor {
        &self.acme.admin
    }

    /// Where the event log stands.
    async fn newest(&self) -> Value {
        let organization = self.admin().get(&self.acme.path("")).await.expect_status(200).json();
        assert!(organization["sequence_id"].is_i64(), "{organization}");
        organization["sequence_id"].clone()
    }

    async fn send(&self, route: &Route, bytes: impl Into<Vec<u8>>) -> Reply {
        let request = self.admin().request(route.method.clone(), &route.path);
        self.admin().send(request.header("content-type", "application/json").body(bytes.into())).await
    }

    /// Notes it when the answer is not this refusal in the API's form.
    fn expect(&mut self, what: &str, reply: &Reply, refusal: &str, field: Option<&str>) {
        let error = &reply.json()["error"];
        let told = error["message"].as_str().is_some_and(|message| message.len() > 8)
            && error["status"] == reply.status
            && reply.header("content-type") == "application/json";
        let named = field.is_none_or(|field| {
            let below = format!("{field}.");
            reply.fields().iter().any(|named| named == field || named.starts_with(&below))
        });
        let explained = error["details"].as_array().is_none_or(|details| {
            details.iter().all(|detail| detail["message"].as_str().is_some_and(|message| message.len() > 4))
        });
        if reply.refusal() != refusal || !told || !named || !explained {
            self.wrong
                .push(format!("{what}: wanted {refusal} {field:?}, got {} {}", reply.status, reply.text));
        }
    }

    /// Ends the trial: everything was refused as it should, and nothing was stored.
    async fn ends(self, newest: &Value) {
        assert_eq!(self.wrong, [""; 0], "\n{}", self.wrong.join("\n"));
        assert_eq!(self.newest().await, *newest, "what was refused left an event");
    }
}

fn with(good: &Value, field: &str, value: Value) -> Vec<u8> {
    let mut fields = good.as_object().cloned().unwrap_or_default();
    fields.insert(field.to_owned(), value);
    serde_json::to_vec(&Value::Object(fields)).unwrap()
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused_everywhere() {
    let mut trial = Trial::start().await;
    let newest = trial.newest().await;
    let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
    let bodies: [(&str, &[u8]); 13] = [
        ("a list", b"[]"),
        ("a list of values", br#"["a", "b", "c", "d"]"#),
        ("null", b"null"),
        ("a number", b"17"),
        ("a text", br#""text""#),
        ("true", b"true"),
        ("spaces", b"  \n "),
        ("half an object", br#"{"title": "#),
        ("two objects", b"{} {}"),
        ("a trailing comma", br#"{"title": "x",}"#),
        ("a form", b"title=x"),
        ("bytes that are no UTF-8", b"{\"title\": \"\xff\"}"),
        ("a deep list", &deep),
    ];
    for route in routes_with_bodies(&trial.world) {
        if !route.fields.is_empty() {
            let reply = trial.send(&route, "").await;
            trial.expect(&format!("{}: nothing", route.name), &reply, "400 VALIDATION_FAILED", None);
        } else if route.name.contains("/auth/") {
            // These two take no body at all.
            continue;
        }
        for (what, bytes) in bodies {
            let reply = trial.send(&route, bytes).await;
            trial.expect(&format!("{}: {what}", route.name), &reply, "400 VALIDATION_FAILED", None);
        }
    }
    trial.ends(&newest).await;
}

#[tokio::test]
async fn a_body_of_another_type_or_too_large_is_refused_everywhere() {
    let mut trial = Trial::start().await;
    let newest = trial.newest().await;
    let large = format!("{{\"title\":\"{}\"}}", "x".repeat(BODY_LIMIT + 1 - 12));
    assert_eq!(large.len(), BODY_LIMIT + 1);
    for route in routes_with_bodies(&trial.world).into_iter().filter(|route| !route.fields.is_empty()) {
        let good = serde_json::to_vec(&route.good).unwrap();
        for kind in
            [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/jsonp")]
        {
            let mut request = trial.admin().request(route.method.clone(), &route.path).body(good.clone());
            if let Some(kind) = kind {
                request = request.header("content-type", kind);
            }
            let reply = trial.admin().send(request).await;
            trial.expect(&format!("{}: {kind:?}", route.name), &reply, "415 UNSUPPORTED_MEDIA_TYPE", None);
        }
        let reply = trial.send(&route, large.clone()).await;
        trial.expect(&format!("{}: too large", route.name), &reply, "413 BODY_TOO_LARGE", None);
    }
    trial.ends(&newest).await;
}

#[tokio::test]
async fn an_unknown_field_is_named_everywhere() {
    let mut trial = Trial::start().await;
    let newest = trial.newest().await;
    for route in routes_with_bodies(&trial.world) {
        if route.fields.is_empty() && route.name.contains("/auth/") {
            continue;
        }
        let reply = trial.send(&route, with(&route.good, "surprise", json!(1))).await;
        trial.expect(&route.name, &reply, "400 VALIDATION_FAILED", Some("surprise"));
    }
    trial.ends(&newest).await;
}

#[tokio::test]
async fn a_field_of_the_wrong_type_is_named_everywhere() {
    let mut trial = Trial::start().await;
    let newest = trial.newest().await;
    for route in routes_with_bodies(&trial.world) {
        for (name, field) in &route.fields {
            for value in field.wrong_types() {
                let what = format!("{} with {name}: {value}", route.name);
                let reply = trial.send(&route, with(&route.good, name, value)).await;
                // A field of the other shape is unknown to this one; it is named all the same.
                trial.expect(&what, &reply, "400 VALIDATION_FAILED", Some(name));
            }
        }
    }
    trial.ends(&newest).await;
}

#[tokio::test]
async fn a_text_that_is_none_of_the_values_is_named_everywhere() {
    let mut trial = Trial::start().await;
    let newest = trial.newest().await;
    let mut tried = 0;
    for route in routes_with_bodies(&trial.world) {
        for (name, field) in &route.fields {
            let Some(schema) = field.text() else { continue };
            let texts: &[&str] = if schema["enum"].is_array() {
                &["no-such-value", "", "MEDIUM", "Human"]
            } else if schema["format"] == "uuid" {
                &["not-a-uuid", "", "me", "0190d6c5-8a4e-7c3f-9b1a-2f6e5d4c3b2", "17"]
            } else {
                &[]
            };
            for text in texts {
                let what = format!("{} with {name}: {text:?}", route.name);
                let reply = trial.send(&route, with(&route.good, name, field.holding(text))).await;
                trial.expect(&what, &reply, "400 VALIDATION_FAILED", Some(name));
                tried += 1;
            }
        }
    }
    assert!(tried > 50, "the document has lost its enums and ids: {tried}");
    trial.ends(&newest).await;
}

#[tokio::test]
async fn a_required_field_that_is_missing_or_null_is_named_everywhere() {
    let mut trial = Trial::start().await;
    let newest = trial.newest().await;
    let document = document();
    let mut tried = 0;
    for route in routes_with_bodies(&trial.world) {
        let (_, path) =
            routes().into_iter().find(|(method, path)| short(method, path) == route.name).unwrap();
        let operation = &document["paths"][&path][route.method.as_str().to_lowercase()];
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let schema = resolved(&document, schema);
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let mut without = route.good.as_object().cloned().unwrap_or_default();
            without.remove(name);
            let reply = trial.send(&route, Value::Object(without).to_string()).await;
            trial.expect(
                &format!("{} without {name}", route.name),
                &reply,
                "400 VALIDATION_FAILED",
                Some(name),
            );
            let reply = trial.send(&route, with(&route.good, name, Value::Null)).await;
            trial.expect(
                &format!("{} with {name}: null", route.name),
                &reply,
                "400 VALIDATION_FAILED",
                Some(name),
            );
            tried += 1;
        }
    }
    assert!(tried > 15, "the document has lost its required fields: {tried}");
    trial.ends(&newest).await;
}

#[tokio::test]
async fn a_field_that_comes_twice_is_named_everywhere() {
    let mut trial = Trial::start().await;
    let newest = trial.newest().await;
    for route in routes_with_bodies(&trial.world) {
        let Some((name, value)) = route.good.as_object().and_then(|fields| fields.iter().next()) else {
            continue;
        };
        let rest: Map<String, Value> = route.good.as_object().unwrap().clone();
        let rest = Value::Object(rest).to_string();
        let twice = format!("{{\"{name}\":{value},{}", &rest[1..]);
        let reply = trial.send(&route, twice).await;
        trial.expect(
            &format!("{} with {name} twice", route.name),
            &reply,
            "400 VALIDATION_FAILED",
            Some(name),
        );
    }
    trial.ends(&newest).await;
}

#[tokio::test]
async fn the_character_zero_is_refused_in_every_text() {
    let mut trial = Trial::start().await;
    let newest = trial.newest().await;
    let mut tried = 0;
    for route in routes_with_bodies(&trial.world) {
        for (name, field) in &route.fields {
            if field.text().is_none() {
                continue;
            }
            let reply = trial.send(&route, with(&route.good, name, field.holding("https://a\0b"))).await;
            trial.expect(&format!("{} with {name}", route.name), &reply, "400 VALIDATION_FAILED", Some(name));
            tried += 1;
        }
    }
    assert!(tried > 40, "the document has lost its texts: {tried}");
    trial.ends(&newest).await;
}

#[tokio::test]
async fn an_id_in_a_path_that_is_none_is_refused_everywhere() {
    let mut trial = Trial::start().await;
    let newest = trial.newest().await;
    for (method, path) in routes() {
        let places = ["{id}", "{other_id}"];
        for place in places.into_iter().filter(|place| path.contains(place)) {
            for text in ["not-a-uuid", "17", "0190d6c5-8a4e-7c3f-9b1a-2f6e5d4c3b2", "%00", "%FF", "a%2Fb"] {
                let filled = trial.world.fill(&path.replace(place, text));
                let mut request = trial.admin().request(method.clone(), &filled);
                if let Some(body) = Some(short(&method, &path))
                    .filter(|_| !is_outside(&path))
                    .and_then(|name| body(&trial.world, &name))
                {
                    request = request.json(&body);
                }
                let reply = trial.admin().send(request).await;
                trial.expect(&format!("{method} {filled}"), &reply, "400 INVALID_ID", None);
            }
        }
    }
    trial.ends(&newest).await;
}

/// Every GET with its query parameters: (path, name → schema).
fn queries(world: &World) -> Vec<(String, BTreeMap<String, Field>)> {
    let document = document();
    let reading = routes()
        .into_iter()
        .filter(|(method, path)| *method == Method::GET && !path.ends_with("/events/stream"));
    let one = |(_, path): (Method, String)| {
        let parameters =
            document["paths"][&path]["get"]["parameters"].as_array().cloned().unwrap_or_default();
        let in_query = parameters.iter().filter(|parameter| parameter["in"] == "query");
        let fields = in_query.map(|parameter| {
            (
                parameter["name"].as_str().unwrap().to_owned(),
                Field { schema: resolved(&document, &parameter["schema"]) },
            )
        });
        (world.fill(&path), fields.collect())
    };
    reading.map(one).filter(|(_, fields): &(String, BTreeMap<String, Field>)| !fields.is_empty()).collect()
}

#[tokio::test]
async fn a_query_that_makes_no_sense_is_refused_and_named() {
    let mut trial = Trial::start().await;
    let newest = trial.newest().await;
    let mut tried = 0;
    for (path, fields) in queries(&trial.world) {
        let reply = trial.admin().get(&format!("{path}?surprise=1")).await;
        trial.expect(&format!("{path}?surprise"), &reply, "400 VALIDATION_FAILED", Some("surprise"));
        for (name, field) in &fields {
            let numbers: &[&str] = &["0", "-1", "1.5", "x", "9223372036854775808", "1e3", "+", "%31%00"];
            let texts: &[&str] = &["no-such-value", "%00", "%FF", "%20"];
            let values = match name.as_str() {
                "page" | "per_page" | "limit" => numbers,
                "q" => &["%00", "a%00b"],
                _ => texts,
            };
            for value in values {
                let reply = trial.admin().get(&format!("{path}?{name}={value}")).await;
                trial.expect(&format!("{path}?{name}={value}"), &reply, "400 VALIDATION_FAILED", Some(name));
                tried += 1;
            }
            // A list may be repeated; anything else may not.
            if !field.has_type("array") {
                let reply = trial.admin().get(&format!("{path}?{name}=1&{name}=1")).await;
                trial.expect(&format!("{path}?{name} twice"), &reply, "400 VALIDATION_FAILED", Some(name));
            }
        }
    }
    assert!(tried > 100, "the document has lost its queries: {tried}");
    trial.ends(&newest).await;
}

#[tokio::test]
async fn a_page_beyond_every_page_is_empty_and_one_too_deep_is_refused() {
    let trial = Trial::start().await;
    for (path, fields) in queries(&trial.world) {
        if !fields.contains_key("page") {
            continue;
        }
        let last = trial.admin().get(&format!("{path}?per_page=100&page=100")).await.expect_status(200);
        assert_eq!(last.json()["data"], json!([]), "{path}");
        let first = trial.admin().get(&path).await.json();
        assert_eq!(last.json()["pagination"]["total"], first["pagination"]["total"], "{path}");
        for page in ["101", "9223372036854775807"] {
            let reply = trial.admin().get(&format!("{path}?per_page=100&page={page}")).await;
            assert_eq!(reply.refusal(), "400 PAGE_TOO_DEEP", "{path}");
        }
    }
}

#[tokio::test]
async fn what_is_no_route_is_told_as_the_api_tells_it() {
    let mut trial = Trial::start().await;
    let newest = trial.newest().await;
    let nothing = trial.admin().get("/api/v1/orgs/acme/nothing").await;
    trial.expect("an unknown path", &nothing, "404 NOT_FOUND", None);
    let slug = trial.admin().get("/api/v1/orgs/%00/tasks").await;
    trial.expect("a slug that cannot be", &slug, "404 ORGANIZATION_NOT_FOUND", None);
    let method = trial.admin().put(&trial.acme.path("/tasks"), json!({})).await;
    trial.expect("an unknown method", &method, "405 METHOD_NOT_ALLOWED", None);
    assert!(method.header("allow").contains("POST"), "{:?}", method.headers);
    trial.ends(&newest).await;
}
