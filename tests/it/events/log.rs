//! Reading the log: filters, cursors, export, numbers, and that nobody changes it.

use serde_json::{Value, json};

use crate::support::{Actor, Tenant, TestHub, numbers, text};

/// A log with something of every filter in it: two projects, three actors, tasks, messages.
async fn busy_organization(hub: &TestHub) -> (Tenant, Actor, Value) {
    let acme = hub.tenant("acme").await;
    let agent = hub.agent(&acme, "agent").await;
    let (apollo, gemini) =
        (acme.admin.creates_project("Apollo").await, acme.admin.creates_project("Gemini").await);
    acme.admin.brings_in(&apollo, &[&agent]).await;
    let both = json!({"title": "Both", "project_ids": [apollo["id"], gemini["id"]]});
    let task = acme.admin.creates_task_with(both).await;
    agent.moves(&task, "in-progress").await.expect_status(200);
    let one = json!({"title": "One", "project_ids": [apollo["id"]], "assignee_ids": [agent.id]});
    agent.creates_task_with(one).await;
    agent.creates_task("None").await;
    let general = acme.admin.general().await;
    agent.posts(&general, json!({"content": "hello", "task_id": task["id"]})).await;
    acme.admin.says(text(&apollo, "channel_id"), "hello @agent").await;
    acme.admin.says(text(&gemini, "channel_id"), "only us").await;
    agent.moves(&task, "in-review").await.expect_status(200);
    (acme, agent, task)
}

/// The time of an event in another way of writing it, as a query carries it.
fn in_berlin(event: &Value) -> String {
    let at: jiff::Timestamp = text(event, "timestamp").parse().unwrap();
    let offset = jiff::tz::offset(2);
    at.display_with_offset(offset).to_string().replace('+', "%2B")
}

#[tokio::test]
async fn every_filter_finds_what_it_names_alone_and_with_others() {
    let hub = TestHub::start().await;
    let (acme, agent, task) = busy_organization(&hub).await;
    let log = acme.admin.events().await;
    let apollo = task["project_ids"][0].clone();
    let channel = acme.admin.general().await;
    let middle = &log[log.len() / 2];
    let (middle_at, task_id) = (text(middle, "timestamp").to_owned(), text(&task, "id"));
    let is = |event: &Value, field: &str, value: &str| event[field] == value;
    let about = |event: &Value| event["project_ids"].as_array().unwrap().contains(&apollo);
    type Found<'a> = Box<dyn Fn(&Value) -> bool + 'a>;
    let all_from = |event: &Value| text(event, "timestamp") >= middle_at.as_str();
    let cases: Vec<(String, Found<'_>)> = vec![
        (String::new(), Box::new(|_| true)),
        ("type=task.created".into(), Box::new(|event| is(event, "type", "task.created"))),
        (
            "type=task.created&type=message.created".into(),
            Box::new(|event| is(event, "type", "task.created") || is(event, "type", "message.created")),
        ),
        ("actor_id=me".into(), Box::new(|event| is(event, "actor_id", &acme.admin.id))),
        (format!("actor_id={}", agent.id), Box::new(|event| is(event, "actor_id", &agent.id))),
        (format!("project_id={}", apollo.as_str().unwrap()), Box::new(about)),
        (format!("task_id={task_id}"), Box::new(|event| is(event, "task_id", task_id))),
        (format!("channel_id={channel}"), Box::new(|event| is(event, "channel_id", &channel))),
        (format!("from={middle_at}"), Box::new(all_from)),
        (format!("from={}", in_berlin(middle)), Box::new(all_from)),
        (format!("to={}", in_berlin(middle)), Box::new(|event| !all_from(event))),
        (format!("from={middle_at}&to={middle_at}"), Box::new(|_| false)),
        (
            format!("project_id={}&type=task.transitioned&actor_id={}", apollo.as_str().unwrap(), agent.id),
            Box::new(|event| {
                about(event) && is(event, "type", "task.transitioned") && is(event, "actor_id", &agent.id)
            }),
        ),
        (
            format!("task_id={task_id}&channel_id={channel}&from=2020-01-01T00:00:00Z"),
            Box::new(|event| is(event, "task_id", task_id) && is(event, "channel_id", &channel)),
        ),
    ];
    for (query, found) in &cases {
        let path = acme.path(&format!("/events?limit=100&after=0&{query}"));
        let page = acme.admin.get(&path).await.expect_status(200).json();
        let expected: Vec<_> = log.iter().filter(|event| found(event)).cloned().collect();
        assert_eq!(page["data"], json!(expected), "{query}");
        assert_eq!(page["next_cursor"], Value::Null, "{query}");
    }
    // The oracle says something of each filter: none of them finds everything or, but for one, nothing.
    for (query, found) in &cases[1..] {
        let count = log.iter().filter(|event| found(event)).count();
        assert!(count < log.len() && (count > 0 || query.contains("to=2")), "{query} finds {count}");
    }
}

#[tokio::test]
async fn pages_join_without_a_seam_in_both_directions() {
    let hub = TestHub::start().await;
    let (acme, ..) = busy_organization(&hub).await;
    let log = numbers(&acme.admin.events().await);
    let backwards: Vec<i64> = log.iter().rev().copied().collect();
    let length = i64::try_from(log.len()).unwrap();
    // One that leaves a rest, one that does not, one that takes all.
    for limit in [1, 4, length, length + 1] {
        for (direction, expected) in [("after", &log), ("before", &backwards)] {
            let mut found = Vec::new();
            let mut cursor = if direction == "after" { 0 } else { i64::MAX };
            loop {
                let path = acme.path(&format!("/events?limit={limit}&{direction}={cursor}"));
                let page = acme.admin.get(&path).await.expect_status(200).json();
                let items = page["data"].as_array().unwrap();
                assert!(!items.is_empty(), "no page is empty: {direction} {limit}");
                found.extend(numbers(items));
                match page["next_cursor"].as_i64() {
                    Some(next) => cursor = next,
                    None => break,
                }
            }
            assert_eq!(&found, expected, "{direction} {limit}");
        }
    }
    let newest = acme.admin.get(&acme.path("/events")).await.json();
    assert_eq!(numbers(newest["data"].as_array().unwrap()), backwards, "newest first when nothing is asked");
}

#[tokio::test]
async fn a_reader_finds_their_few_events_among_many_and_a_filter_looks_at_so_many_at_a_time() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let bob = hub.person(&acme, "bob", "contributor").await;
    let apollo = acme.admin.creates_project("Apollo").await;
    let before = numbers(&bob.events().await);
    for _ in 0..150 {
        let crowd = (0..8).map(|_| acme.admin.says(text(&apollo, "channel_id"), "only us"));
        futures_util::future::join_all(crowd).await;
    }

    let newest = bob.get(&acme.path("/events?limit=3")).await.expect_status(200).json();
    let expected: Vec<i64> = before.iter().rev().take(3).copied().collect();
    assert_eq!(numbers(newest["data"].as_array().unwrap()), expected, "the first page already has them");

    let (mut found, mut pages, mut cursor) = (Vec::new(), 0, i64::MAX);
    loop {
        let path = format!("/events?limit=3&project_id={}&before={cursor}", text(&apollo, "id"));
        let page = bob.get(&acme.path(&path)).await.expect_status(200).json();
        found.extend(numbers(page["data"].as_array().unwrap()));
        pages += 1;
        match page["next_cursor"].as_i64() {
            Some(next) => cursor = next,
            None => break,
        }
    }
    assert!(!found.is_empty() && found.iter().all(|number| before.contains(number)), "{found:?}");
    assert!(pages > 1, "1,200 events are more than one request looks at");
}

#[tokio::test]
async fn pages_skip_what_is_not_for_the_caller_and_still_come_full() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let outsider = hub.agent(&acme, "outsider").await;
    let project = acme.admin.creates_project("Secret").await;
    for number in 0..5 {
        acme.admin.says(text(&project, "channel_id"), &format!("secret {number}")).await;
        acme.admin.creates_task(&format!("Task {number}")).await;
    }
    let page = outsider.get(&acme.path("/events?limit=5")).await.expect_status(200);
    assert!(!page.text.contains("secret"));
    let kinds: Vec<_> = page.json()["data"].as_array().unwrap().iter().map(|e| e["type"].clone()).collect();
    assert_eq!(kinds, ["task.created"; 5]);
    let channel = acme.path(&format!("/events?channel_id={}", text(&project, "channel_id")));
    assert_eq!(outsider.get(&channel).await.expect_status(200).json()["data"], json!([]));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_named() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    for (query, field) in [
        ("before=5&after=1", "after"),
        ("type=task.teleported", "type"),
        ("type=unknown", "type"),
        ("type=task.created&type=", "type"),
        ("actor_id=ada", "actor_id"),
        ("project_id=1", "project_id"),
        ("task_id=x", "task_id"),
        ("channel_id=general", "channel_id"),
        ("from=yesterday", "from"),
        ("to=2026-01-01", "to"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("before=x", "before"),
        ("after=1.5", "after"),
        ("format=xml", "format"),
        ("page=1", "page"),
    ] {
        let reply = acme.admin.get(&acme.path(&format!("/events?{query}"))).await;
        assert_eq!(
            (reply.refusal(), reply.fields()),
            ("400 VALIDATION_FAILED".into(), vec![field.into()]),
            "{query}"
        );
    }
}

/// The cells of comma-separated values (RFC 4180).
fn cells(csv: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = csv.chars().peekable();
    while let Some(character) = characters.next() {
        match (quoted, character) {
            (true, '"') if characters.peek() == Some(&'"') => {
                characters.next();
                cell.push('"');
            }
            (_, '"') => quoted = !quoted,
            (false, ',') => row.push(std::mem::take(&mut cell)),
            (false, '\r') => {
                assert_eq!(characters.next(), Some('\n'), "lines end with CR LF");
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            (_, character) => cell.push(character),
        }
    }
    assert!(row.is_empty() && cell.is_empty(), "the last line has its end");
    rows
}

#[tokio::test]
async fn administrators_export_the_whole_log() {
    let hub = TestHub::start().await;
    let (acme, agent, _) = busy_organization(&hub).await;
    acme.admin.creates_task("Quotes \" commas , and\nlines").await;
    // More than the server reads at a time.
    for number in 0..210 {
        agent.creates_task(&format!("Task {number}")).await;
    }
    let path = acme.path("/events?format=csv");
    assert_eq!(agent.get(&path).await.refusal(), "403 FORBIDDEN");
    let reply = acme.admin.get(&path).await.expect_status(200);
    assert_eq!(reply.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(reply.header("content-disposition"), "attachment; filename=\"events.csv\"");

    let mut rows = cells(&reply.text).into_iter();
    let heading = rows.next().unwrap();
    let expected = acme.admin.events().await;
    assert_eq!(rows.len(), expected.len());
    for (row, event) in rows.zip(&expected) {
        for (name, cell) in heading.iter().zip(row) {
            let exported = match (name.as_str(), cell) {
                ("payload", cell) => serde_json::from_str(&cell).unwrap(),
                ("sequence_id", cell) => json!(cell.parse::<i64>().unwrap()),
                ("project_ids", cell) => json!(cell.split_whitespace().collect::<Vec<_>>()),
                (_, cell) if cell.is_empty() => Value::Null,
                (_, cell) => json!(cell),
            };
            assert_eq!(exported, event[name], "{name} of {event}");
        }
    }
    let filtered = acme.admin.get(&acme.path("/events?format=csv&type=project.created")).await;
    assert_eq!(cells(&filtered.text).len(), 3, "the heading and two projects");
}

#[tokio::test]
async fn numbers_have_no_gap_whoever_writes_and_whatever_is_refused() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let mut writers = Vec::new();
    for number in 0..6 {
        let writer = hub.agent(&acme, &format!("writer-{number}")).await;
        writers.push(tokio::spawn(async move {
            for number in 0..10 {
                writer.creates_task(&format!("Task {number}")).await;
                let refused = json!({"title": "Refused", "after_id": writer.id});
                writer.post(&writer.path("/tasks"), refused).await.expect_status(400);
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let log = acme.admin.events().await;
    let length = i64::try_from(log.len()).unwrap();
    assert_eq!(numbers(&log), (1..=length).collect::<Vec<_>>());
    assert_eq!(log.iter().filter(|event| event["type"] == "task.created").count(), 60);
    let organization = acme.admin.get(&acme.path("")).await.json();
    assert_eq!(organization["sequence_id"], length);
}

/// What the database itself says to each statement, outside the server's guards.
async fn says_of(hub: &TestHub, org_id: &str, statements: &[String]) -> Vec<String> {
    let (statements, org_id) = (statements.to_vec(), org_id.to_owned());
    let file = hub.dir().join("mission-control.db");
    let url = hub.config.database.url.clone();
    tokio::task::spawn_blocking(move || match url {
        Some(url) => on_postgres(url.expose(), &org_id, &statements),
        None => {
            let raw = rusqlite::Connection::open(file).unwrap();
            let said =
                |sql: &String| raw.execute(sql, []).map_or_else(|error| error.to_string(), |n| n.to_string());
            statements.iter().map(said).collect()
        }
    })
    .await
    .unwrap()
}

#[cfg(feature = "postgres")]
fn on_postgres(url: &str, org_id: &str, statements: &[String]) -> Vec<String> {
    let mut raw = postgres::Client::connect(url, postgres::NoTls).unwrap();
    raw.execute("SELECT set_config('mc.org', $1, false)", &[&org_id]).unwrap();
    let mut said = |sql: &String| match raw.execute(sql.as_str(), &[]) {
        Ok(count) => count.to_string(),
        Err(error) => error.as_db_error().unwrap().message().to_owned(),
    };
    statements.iter().map(&mut said).collect()
}

#[cfg(not(feature = "postgres"))]
fn on_postgres(_: &str, _: &str, _: &[String]) -> Vec<String> {
    unreachable!("there is no such engine in this build")
}

#[tokio::test]
async fn the_database_itself_refuses_to_change_what_happened() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    acme.admin.creates_task("One").await;
    acme.admin.creates_task("Two").await;
    let before = acme.admin.events().await;
    let org_id = text(&before[0], "org_id").to_owned();
    let columns = "org_id, seq, id, type, actor_type, project_ids, addressed, admin_only, payload, at";
    let mut statements = vec![
        "UPDATE events SET payload = '{}'".to_owned(),
        "UPDATE events SET seq = seq + 100 WHERE seq = 1".to_owned(),
        "DELETE FROM events".to_owned(),
        "DELETE FROM events WHERE seq = 1".to_owned(),
    ];
    if hub.config.database.url.is_none() {
        statements
            .push(format!("REPLACE INTO events ({columns}) SELECT {columns} FROM events WHERE seq = 1"));
    } else {
        statements.push("TRUNCATE events CASCADE".to_owned());
    }
    let said = says_of(&hub, &org_id, &statements).await;
    assert_eq!(said, ["events are immutable"; 5]);
    assert_eq!(acme.admin.events().await, before);

    // Retention goes its one way: first it says what is no longer kept, then that can go.
    let newest = before.last().unwrap()["sequence_id"].as_i64().unwrap();
    let retention = [
        format!("UPDATE event_logs SET first_seq = {newest}"),
        format!("DELETE FROM events WHERE seq = {newest}"),
        format!("DELETE FROM events WHERE seq < {newest}"),
    ];
    let said = says_of(&hub, &org_id, &retention).await;
    assert_eq!(said, ["1", "events are immutable", &(newest - 1).to_string()]);
    assert_eq!(acme.admin.events().await, before[before.len() - 1..]);
}

#[tokio::test]
async fn the_text_of_a_deleted_message_is_gone_from_every_event() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let agent = hub.agent(&acme, "agent").await;
    let general = acme.admin.general().await;
    let message = acme.admin.says(&general, "/tell @agent the plum-coloured secret").await;
    let receipt = acme.path(&format!("/channels/{general}/messages/{}", text(&message, "id")));
    agent.put(&format!("{receipt}/receipt"), json!({"state": "working"})).await.expect_status(204);
    let reads = async || {
        let list = acme.admin.get(&acme.path("/events?limit=100")).await.text;
        let csv = acme.admin.get(&acme.path("/events?format=csv")).await.text;
        let mut stream = agent.listens("", Some("0")).await;
        let mut replay = String::new();
        loop {
            let event = stream.next().await.unwrap();
            replay.push_str(&event.to_string());
            if event["type"] == "task.created" {
                return [list, csv, replay].map(|text| text.matches("plum-coloured").count());
            }
        }
    };
    let last = acme.admin.creates_task("Last").await;
    assert_eq!(reads().await, [3, 3, 3], "the message, the mention and the command say it");

    acme.admin.delete(&receipt).await.expect_status(204);
    assert_eq!(reads().await, [0, 0, 0]);
    let log = acme.admin.events().await;
    let created = log.iter().find(|event| event["type"] == "message.created").unwrap();
    assert_eq!(created["payload"]["message"]["content"], "");
    assert!(created["payload"]["message"]["deleted_at"].is_string(), "a tombstone stays");
    assert_eq!(last["title"], "Last");
}
