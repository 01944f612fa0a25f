//! Tasks: made, found, changed, put in order, moved, waited for.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Actor, Reply, TestHub};

mod lists;
mod moves;

fn id(resource: &Value) -> &str {
    resource["id"].as_str().unwrap()
}

fn path(actor: &Actor, task: &Value, rest: &str) -> String {
    actor.path(&format!("/tasks/{}{rest}", id(task)))
}

async fn gets(actor: &Actor, task: &Value) -> Value {
    actor.get(&path(actor, task, "")).await.expect_status(200).json()
}

async fn lists(actor: &Actor, query: &str) -> Value {
    actor.get(&actor.path(&format!("/tasks?per_page=100&{query}"))).await.expect_status(200).json()
}

/// The titles of a list, in its order.
async fn titles(actor: &Actor, query: &str) -> Vec<String> {
    let listed = lists(actor, query).await;
    let data = listed["data"].as_array().unwrap();
    assert_eq!(listed["pagination"]["total"], data.len(), "{query}");
    data.iter().map(|task| task["title"].as_str().unwrap().to_owned()).collect()
}

fn titles_of(listed: &Value) -> Vec<&str> {
    listed["data"].as_array().unwrap().iter().map(|task| task["title"].as_str().unwrap()).collect()
}

/// The titles of a list, in no order.
async fn found(actor: &Actor, query: &str) -> BTreeSet<String> {
    titles(actor, query).await.into_iter().collect()
}

fn set(titles: &[&str]) -> BTreeSet<String> {
    titles.iter().map(|title| (*title).to_owned()).collect()
}

async fn waits_for(actor: &Actor, task: &Value, blocker: &Value) -> Reply {
    actor.post(&path(actor, task, "/dependencies"), json!({"blocked_by_id": blocker["id"]})).await
}

async fn transitions(actor: &Actor, task: &Value, body: Value) -> Reply {
    actor.post(&path(actor, task, "/transition"), body).await
}

/// Types of the events after that one.
async fn kinds_after(actor: &Actor, count: usize) -> Vec<String> {
    let events = actor.events().await;
    events[count..].iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_title_is_enough_and_the_rest_has_defaults() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;

    let task = acme.admin.creates_task("  Ship it  ").await;

    let fixed = ["id", "org_id", "position", "created_at", "updated_at"];
    let mut rest = task.clone();
    for field in fixed {
        assert!(rest.as_object_mut().unwrap().remove(field).unwrap().is_string(), "{field}: {task}");
    }
    assert_eq!(
        rest,
        json!({
            "title": "Ship it", "description": "", "type": "chore", "priority": "medium", "status": "backlog",
            "project_ids": [], "assignee_ids": [], "due_on": null, "required_evidence_types": [], "evidence": [], "dependencies": [],
            "dependents": [], "blocked": false, "created_by": acme.admin.id, "completed_at": null,
            "archived_at": null, "version": 1,
        })
    );
    let got = gets(&acme.admin, &task).await;
    assert_eq!(got["allowed_transitions"].as_array().unwrap().len(), 3);
    assert!(got["allowed_transitions"].as_array().unwrap().iter().all(|next| next["allowed"] == true));
    let mut without_moves = got;
    without_moves.as_object_mut().unwrap().remove("allowed_transitions");
    assert_eq!(without_moves, task);
    let event = acme.admin.events().await.pop().unwrap();
    assert_eq!((&event["type"], &event["task_id"]), (&json!("task.created"), &task["id"]));
    assert_eq!(event["payload"], json!({"task": task}));
}

#[tokio::test]
async fn a_task_keeps_everything_it_was_made_with() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let (bob, bot) = (hub.person(&acme, "bob", "contributor").await, hub.agent(&acme, "bot").await);
    let (apollo, artemis) =
        (acme.admin.creates_project("Apollo").await, acme.admin.creates_project("Artemis").await);
    let before = bob.events().await.len();

    let task = bob
        .creates_task_with(json!({
            "title": "🚀".repeat(500), "description": "# Läuft\n", "type": "bug", "priority": "critical",
            "project_ids": [artemis["id"], apollo["id"], artemis["id"]], "assignee_ids": [bot.id, bob.id, bot.id],
            "required_evidence_types": ["doc_url", "pr_link", "doc_url"],
        }))
        .await;

    assert_eq!(task["title"], "🚀".repeat(500));
    assert_eq!(task["description"], "# Läuft");
    assert_eq!((&task["type"], &task["priority"]), (&json!("bug"), &json!("critical")));
    let mut projects = [id(&apollo), id(&artemis)];
    projects.sort_unstable();
    assert_eq!(task["project_ids"], json!(projects), "a set, in the order of ids");
    let mut assignees = [bot.id.as_str(), bob.id.as_str()];
    assignees.sort_unstable();
    assert_eq!(task["assignee_ids"], json!(assignees));
    assert_eq!(task["required_evidence_types"], json!(["pr_link", "doc_url"]));
    assert_eq!(task["created_by"], bob.id);
    assert_eq!(kinds_after(&bob, before).await, ["task.created", "task.assigned", "task.assigned"]);
    let events = bob.events().await;
    let told: BTreeSet<_> =
        events[before + 1..].iter().map(|event| event["payload"]["user_id"].as_str().unwrap()).collect();
    assert_eq!(told, BTreeSet::from(assignees));
    assert_eq!(events[before]["project_ids"], json!(projects));
    let counts =
        bob.get(&bob.path(&format!("/projects/{}", id(&apollo)))).await.json()["task_counts"].clone();
    assert_eq!(counts["backlog"], 1);
}

#[tokio::test]
async fn what_a_task_cannot_be_is_told_field_by_field_at_once() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let umbrella = hub.tenant("umbrella").await;
    let ended = acme.admin.creates_project("Ended").await;
    acme.admin.delete(&acme.path(&format!("/projects/{}", id(&ended)))).await.expect_status(204);
    let gone = hub.agent(&acme, "gone").await;
    acme.admin.delete(&acme.path(&format!("/users/{}", gone.id))).await.expect_status(204);
    let theirs = umbrella.admin.creates_project("Theirs").await;
    let before = acme.admin.events().await.len();

    let reply = acme
        .admin
        .post(
            &acme.path("/tasks"),
            json!({
                "title": "x".repeat(501), "description": "x".repeat(50_001), "project_ids": [ended["id"], theirs["id"]],
                "assignee_ids": [acme.admin.id, gone.id, umbrella.admin.id], "after_id": theirs["id"],
            }),
        )
        .await;

    assert_eq!(reply.refusal(), "400 VALIDATION_FAILED");
    let wrong = [
        "title",
        "description",
        "project_ids.0",
        "project_ids.1",
        "assignee_ids.1",
        "assignee_ids.2",
        "after_id",
    ];
    assert_eq!(reply.fields(), wrong);
    for title in ["", " \u{3000}\n\t"] {
        assert_eq!(acme.admin.post(&acme.path("/tasks"), json!({"title": title})).await.fields(), ["title"]);
    }
    let many: Vec<_> = (0..51).map(|_| acme.admin.id.clone()).collect();
    let reply = acme.admin.post(&acme.path("/tasks"), json!({"title": "x", "assignee_ids": many})).await;
    assert_eq!(reply.fields(), ["assignee_ids"]);
    assert_eq!(lists(&acme.admin, "").await["pagination"]["total"], 0);
    assert_eq!(acme.admin.events().await.len(), before);
}

#[tokio::test]
async fn every_filter_finds_what_it_names_alone_repeated_and_together() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let bob = hub.person(&acme, "bob", "contributor").await;
    let (one, two) = (acme.admin.creates_project("One").await, acme.admin.creates_project("Two").await);
    let plain = acme.admin.creates_task("plain").await;
    let bug = bob
        .creates_task_with(json!({"title": "bug", "type": "bug", "priority": "high", "project_ids": [one["id"]], "assignee_ids": [bob.id]}))
        .await;
    let feature = acme
        .admin
        .creates_task_with(json!({"title": "feature", "type": "feature", "priority": "critical",
            "project_ids": [one["id"], two["id"]], "assignee_ids": [bob.id, acme.admin.id]}))
        .await;
    let away =
        bob.creates_task_with(json!({"title": "away", "priority": "low", "project_ids": [two["id"]]})).await;
    waits_for(&bob, &feature, &bug).await.expect_status(201);
    bob.moves(&bug, "in-progress").await.expect_status(200);
    bob.moves(&plain, "complete").await.expect_status(200);
    bob.delete(&path(&bob, &away, "")).await.expect_status(204);

    let (one, two, ada, bob_id) = (id(&one), id(&two), acme.admin.id.as_str(), bob.id.as_str());
    for (query, want) in [
        ("", &["plain", "bug", "feature"][..]),
        ("include_archived=true", &["plain", "bug", "feature", "away"]),
        ("include_archived=false", &["plain", "bug", "feature"]),
        ("status=backlog", &["feature"]),
        ("status=backlog&status=complete", &["feature", "plain"]),
        ("status=in-review", &[]),
        ("priority=high", &["bug"]),
        ("priority=high&priority=critical&priority=low", &["bug", "feature"]),
        ("type=chore", &["plain"]),
        ("type=bug&type=feature", &["bug", "feature"]),
        (&format!("project_id={one}"), &["bug", "feature"]),
        (&format!("project_id={one}&project_id={two}"), &["bug", "feature"]),
        (&format!("project_id={two}&include_archived=true"), &["feature", "away"]),
        (&format!("project_id={ada}"), &[]),
        ("assigned_to=me", &["bug", "feature"]),
        (&format!("assigned_to={ada}"), &["feature"]),
        (&format!("assigned_to={ada}&assigned_to=me"), &["bug", "feature"]),
        ("created_by=me", &["bug"]),
        (&format!("created_by={ada}"), &["plain", "feature"]),
        (&format!("created_by={ada}&created_by={bob_id}"), &["plain", "feature", "bug"]),
        ("blocked=true", &["feature"]),
        ("blocked=false", &["plain", "bug"]),
        ("q=EA", &["feature"]),
        (
            &format!(
                "assigned_to=me&project_id={one}&type=bug&priority=high&status=in-progress&blocked=false&created_by=me&q=u"
            ),
            &["bug"],
        ),
        (&format!("assigned_to=me&project_id={one}&type=bug&priority=low"), &[]),
    ] {
        assert_eq!(found(&bob, query).await, set(want), "{query}");
    }
    bob.moves(&bug, "complete").await.expect_status(200);
    assert_eq!(found(&bob, "blocked=true").await, set(&[]), "what it waited for is complete");
    assert_eq!(found(&acme.admin, "assigned_to=me").await, set(&["feature"]), "`me` is whoever asks");
}

#[tokio::test]
async fn a_search_in_titles_takes_its_text_as_it_is_and_knows_no_case() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    for title in [
        "100% done",
        "100 done",
        "snake_case",
        "snakeXcase",
        "back\\slash",
        "Übergröße ÄÖ",
        "ЖУК",
        "ΟΔΟΣ 1",
        "漢字 🎉",
        "it's \"quoted\"",
    ] {
        acme.admin.creates_task(title).await;
    }
    for (q, want) in [
        ("%25", "100% done"),
        ("0%25+D", "100% done"),
        ("_", "snake_case"),
        ("\\", "back\\slash"),
        ("übergröße", "Übergröße ÄÖ"),
        ("ÜBERGRÖßE+äö", "Übergröße ÄÖ"),
        ("жук", "ЖУК"),
        ("ЖУ", "ЖУК"),
        ("οδοσ", "ΟΔΟΣ 1"),
        ("ΟΔΟΣ", "ΟΔΟΣ 1"),
        ("字", "漢字 🎉"),
        ("🎉", "漢字 🎉"),
        ("'s+%22Q", "it's \"quoted\""),
    ] {
        assert_eq!(titles(&acme.admin, &format!("q={q}")).await, [want], "{q}");
    }
    assert_eq!(titles(&acme.admin, "q=").await.len(), 10, "nothing asked for is everything");
}

#[tokio::test]
async fn every_sort_goes_both_ways() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let mut tasks = Vec::new();
    for (title, priority) in [("b", "low"), ("A", "critical"), ("c", "medium"), ("d", "high")] {
        tasks.push(acme.admin.creates_task_with(json!({"title": title, "priority": priority})).await);
        hub.clock.travel(1);
    }
    acme.admin.moves(&tasks[1], "complete").await.expect_status(200);
    acme.admin.moves(&tasks[0], "in-review").await.expect_status(200);
    hub.clock.travel(1);
    acme.admin.moves(&tasks[3], "in-progress").await.expect_status(200);

    for (sort, want) in [
        ("created_at", ["b", "A", "c", "d"]),
        ("updated_at", ["c", "A", "b", "d"]),
        ("priority", ["b", "c", "d", "A"]),
        ("title", ["A", "b", "c", "d"]),
        ("status", ["c", "d", "b", "A"]),
    ] {
        let mut rising = titles(&acme.admin, &format!("sort={sort}")).await;
        if sort == "updated_at" {
            // Both moved in one second; which came first is in their times.
            rising[1..3].sort_unstable();
        }
        assert_eq!(rising, want, "{sort}");
        assert_eq!(titles(&acme.admin, &format!("sort={sort}&order=asc")).await[0], want[0], "{sort}");
        let mut falling = titles(&acme.admin, &format!("sort={sort}&order=desc")).await;
        falling.reverse();
        if sort == "updated_at" {
            falling[1..3].sort_unstable();
        }
        assert_eq!(falling, want, "{sort} falling");
    }
    for _ in 0..3 {
        acme.admin.creates_task("more").await;
    }
    let positions = |listed: Value| -> Vec<String> {
        listed["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|task| task["position"].as_str().unwrap().to_owned())
            .collect()
    };
    let rising = positions(lists(&acme.admin, "sort=position&status=backlog").await);
    assert!(rising.is_sorted_by(|one, next| one < next), "{rising:?}");
    let mut falling = positions(lists(&acme.admin, "sort=position&order=desc&status=backlog").await);
    falling.reverse();
    assert_eq!(falling, rising);
    assert_eq!(positions(lists(&acme.admin, "status=backlog").await), rising, "the default");
}

#[tokio::test]
async fn pages_hold_every_task_once_and_tell_how_many_there_are() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    for number in 0..23 {
        acme.admin.creates_task(&format!("task {}", number % 3)).await;
    }
    for sort in ["position", "created_at", "updated_at", "priority", "title", "status"] {
        let mut seen = BTreeSet::new();
        for page in 1..=4 {
            let query = format!("/tasks?sort={sort}&order=desc&per_page=7&page={page}");
            let listed = acme.admin.get(&acme.path(&query)).await.expect_status(200).json();
            assert_eq!(
                listed["pagination"],
                json!({"page": page, "per_page": 7, "total": 23, "total_pages": 4, "total_exact": true})
            );
            let data = listed["data"].as_array().unwrap();
            assert_eq!(data.len(), if page == 4 { 2 } else { 7 });
            seen.extend(data.iter().map(|task| id(task).to_owned()));
        }
        assert_eq!(seen.len(), 23, "{sort}");
    }
    let listed = acme.admin.get(&acme.path("/tasks?per_page=7&page=5")).await.json();
    assert_eq!(listed["data"], json!([]));
    assert_eq!(
        listed["pagination"],
        json!({"page": 5, "per_page": 7, "total": 23, "total_pages": 4, "total_exact": true})
    );
    let deepest = acme.admin.get(&acme.path("/tasks?per_page=100&page=100")).await;
    assert_eq!(deepest.expect_status(200).json()["data"], json!([]));
    for path in ["/tasks?per_page=100&page=101", "/tasks?page=1000000007", "/projects?page=1000000007"] {
        assert_eq!(acme.admin.get(&acme.path(path)).await.refusal(), "400 PAGE_TOO_DEEP", "{path}");
    }
    let none = acme.admin.get(&acme.path("/tasks?q=nothing&page=2")).await.json();
    assert_eq!(
        none["pagination"],
        json!({"page": 2, "per_page": 25, "total": 0, "total_pages": 0, "total_exact": true})
    );
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_null_clears() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let (bob, project) = (hub.agent(&acme, "bob").await, acme.admin.creates_project("Apollo").await);
    let task = acme.admin.creates_task("Ship it").await;
    let at = path(&acme.admin, &task, "");
    let before = acme.admin.events().await.len();

    let full = json!({
        "title": "Ship them", "description": "All", "type": "feature", "priority": "high",
        "project_ids": [project["id"]], "assignee_ids": [bob.id], "required_evidence_types": ["pr_link"],
    });
    let reply = acme.admin.patch(&at, full.clone()).await.expect_status(200);
    let changed = reply.json();
    assert_eq!((reply.header("etag"), &changed["version"]), ("\"2\"", &json!(2)));
    for (field, value) in full.as_object().unwrap() {
        assert_eq!(changed[field], *value, "{field}");
    }
    assert_eq!(kinds_after(&acme.admin, before).await, ["task.updated", "task.assigned"]);
    let updated = acme.admin.events().await[before].clone();
    let told: BTreeSet<_> = updated["payload"]["changed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| field.as_str().unwrap())
        .collect();
    assert_eq!(told, full.as_object().unwrap().keys().map(String::as_str).collect::<BTreeSet<_>>());
    assert_eq!(updated["payload"]["task"], changed, "whoever hears of it need not ask again");

    let same = acme.admin.patch(&at, full).await.expect_status(200).json();
    assert_eq!(same, changed, "no change");
    acme.admin.patch(&at, json!({})).await.expect_status(200);
    assert_eq!(acme.admin.events().await.len(), before + 2, "and no event");

    let cleared = json!({"description": null, "project_ids": null, "assignee_ids": null, "required_evidence_types": null});
    let cleared = acme.admin.patch(&at, cleared).await.expect_status(200).json();
    assert_eq!(cleared["description"], "");
    assert_eq!(
        (&cleared["project_ids"], &cleared["assignee_ids"], &cleared["required_evidence_types"]),
        (&json!([]), &json!([]), &json!([]))
    );
    assert_eq!(kinds_after(&acme.admin, before + 2).await, ["task.updated", "task.unassigned"]);
    let unassigned = acme.admin.events().await.pop().unwrap();
    assert_eq!(unassigned["payload"]["user_id"], bob.id);
    for field in ["title", "type", "priority"] {
        assert_eq!(acme.admin.patch(&at, json!({field: null})).await.fields(), [field]);
    }
    assert_eq!(gets(&acme.admin, &task).await["version"], 3);
}

#[tokio::test]
async fn a_task_keeps_projects_and_people_that_have_gone_and_takes_no_new_ones() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let (bot, project) = (hub.agent(&acme, "bot").await, acme.admin.creates_project("Apollo").await);
    let task = acme
        .admin
        .creates_task_with(json!({"title": "x", "project_ids": [project["id"]], "assignee_ids": [bot.id]}))
        .await;
    let other = acme.admin.creates_task("other").await;
    acme.admin.delete(&acme.path(&format!("/projects/{}", id(&project)))).await.expect_status(204);
    let before = acme.admin.events().await.len();
    acme.admin.delete(&acme.path(&format!("/users/{}", bot.id))).await.expect_status(204);

    let now = gets(&acme.admin, &task).await;
    assert_eq!(now["project_ids"], json!([project["id"]]), "the history stays");
    assert_eq!(now["assignee_ids"], json!([]), "nobody waits for who has gone");
    let kinds = kinds_after(&acme.admin, before).await;
    assert!(kinds.contains(&"task.unassigned".to_owned()), "{kinds:?}");
    acme.admin
        .patch(&path(&acme.admin, &task, ""), json!({"title": "y", "project_ids": [project["id"]]}))
        .await
        .expect_status(200);
    let late = acme
        .admin
        .patch(
            &path(&acme.admin, &other, ""),
            json!({"project_ids": [project["id"]], "assignee_ids": [bot.id]}),
        )
        .await;
    assert_eq!(
        (late.refusal().as_str(), late.fields()),
        ("400 VALIDATION_FAILED", vec!["project_ids.0".to_owned(), "assignee_ids.0".to_owned()])
    );
}

#[tokio::test]
async fn a_due_date_is_a_day_that_can_be_set_changed_and_cleared() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let admin = &acme.admin;
    let late = admin.creates_task_with(json!({"title": "Late", "due_on": "2026-11-30"})).await;
    let soon = admin.creates_task_with(json!({"title": "Soon", "due_on": "2026-12-01"})).await;
    assert_eq!(gets(admin, &soon).await["due_on"], "2026-12-01");

    let moved =
        admin.patch(&path(admin, &late, ""), json!({"due_on": "2027-01-01"})).await.expect_status(200).json();
    assert_eq!((&moved["due_on"], &moved["version"]), (&json!("2027-01-01"), &json!(2)));
    let cleared =
        admin.patch(&path(admin, &soon, ""), json!({"due_on": null})).await.expect_status(200).json();
    assert_eq!(cleared["due_on"], Value::Null);
    for event in admin.events_of("task.updated", 2).await {
        assert_eq!(event["payload"]["changed"], json!(["due_on"]));
        let due_on = &event["payload"]["task"]["due_on"];
        assert_eq!(due_on == "2027-01-01", event["task_id"] == late["id"], "{event}");
    }
    for wrong in [json!("2026-02-30"), json!("soon"), json!("2026-12-01T00:00:00Z"), json!(7)] {
        let refused = admin.post(&admin.path("/tasks"), json!({"title": "Wrong", "due_on": wrong})).await;
        assert_eq!(refused.refusal(), "400 VALIDATION_FAILED");
        assert_eq!(refused.fields(), ["due_on"], "{wrong}");
    }
}

#[tokio::test]
async fn tasks_are_sorted_and_found_by_their_due_dates() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let admin = &acme.admin;
    admin.creates_task("Some day").await;
    for (title, due_on) in [("Soon", "2026-12-01"), ("Late", "2026-11-30"), ("Last", "9999-12-31")] {
        admin.creates_task_with(json!({"title": title, "due_on": due_on})).await;
    }
    assert_eq!(titles(admin, "sort=due_on").await, ["Late", "Soon", "Last", "Some day"]);
    assert_eq!(titles(admin, "sort=due_on&order=desc").await, ["Some day", "Last", "Soon", "Late"]);
    let first = admin.get(&admin.path("/tasks?sort=due_on&per_page=2")).await.expect_status(200).json();
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(titles_of(&lists(admin, &format!("sort=due_on&cursor={cursor}")).await), ["Last", "Some day"]);

    assert_eq!(found(admin, "due_before=2026-12-01").await, set(&["Late"]));
    assert_eq!(found(admin, "due_after=2026-11-30").await, set(&["Soon", "Last"]));
    assert_eq!(found(admin, "due_after=2026-11-29&due_before=2026-12-02").await, set(&["Late", "Soon"]));
    assert_eq!(admin.get(&admin.path("/tasks?due_before=soon")).await.refusal(), "400 VALIDATION_FAILED");
}
