//! Tasks: made, found, changed, put in order, moved, waited for.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Actor, Reply, TestHub};

/// A small random number source, so that a failing order can be run again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}

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
            "project_ids": [], "assignee_ids": [], "required_evidence_types": [], "evidence": [], "dependencies": [],
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
                json!({"page": page, "per_page": 7, "total": 23, "total_pages": 4})
            );
            let data = listed["data"].as_array().unwrap();
            assert_eq!(data.len(), if page == 4 { 2 } else { 7 });
            seen.extend(data.iter().map(|task| id(task).to_owned()));
        }
        assert_eq!(seen.len(), 23, "{sort}");
    }
    for page in [5, 1_000_000_007] {
        let listed = acme.admin.get(&acme.path(&format!("/tasks?per_page=7&page={page}"))).await.json();
        assert_eq!(listed["data"], json!([]));
        assert_eq!(listed["pagination"], json!({"page": page, "per_page": 7, "total": 23, "total_pages": 4}));
    }
    let none = acme.admin.get(&acme.path("/tasks?q=nothing&page=2")).await.json();
    assert_eq!(none["pagination"], json!({"page": 2, "per_page": 25, "total": 0, "total_pages": 0}));
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
async fn complete_needs_its_evidence_and_what_is_refused_leaves_nothing() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let ada = &acme.admin;
    let task = ada
        .creates_task_with(json!({"title": "x", "required_evidence_types": ["pr_link", "test_results"]}))
        .await;
    let blocker = ada.creates_task("blocker").await;
    waits_for(ada, &task, &blocker).await.expect_status(201);
    let (before, events) = (gets(ada, &task).await, ada.events().await.len());
    let complete = before["allowed_transitions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|next| next["to_status"] == "complete")
        .unwrap();
    assert_eq!(
        *complete,
        json!({"to_status": "complete", "allowed": false, "missing_evidence": ["pr_link", "test_results"], "blocked_by": [blocker["id"]]})
    );

    let link = |kind: &str| json!({"type": kind, "url": "https://example.org/1"});
    let refused = transitions(
        ada,
        &task,
        json!({"to_status": "complete", "evidence": [link("pr_link")], "comment": "done"}),
    )
    .await;
    assert_eq!(
        (refused.refusal().as_str(), refused.fields()),
        ("409 EVIDENCE_REQUIRED", vec!["test_results".to_owned()])
    );
    let both = json!({"to_status": "complete", "evidence": [link("pr_link"), link("test_results")]});
    let refused = transitions(ada, &task, both.clone()).await;
    assert_eq!(
        (refused.refusal().as_str(), refused.fields()),
        ("409 TASK_BLOCKED", vec![id(&blocker).to_owned()])
    );
    assert_eq!(refused.json()["error"]["details"][0]["message"], "blocker");
    for (body, field) in [
        (
            json!({"to_status": "complete", "evidence": [link("pr_link"), {"type": "doc_url", "url": "http://example.org"}]}),
            "evidence.1.url",
        ),
        (json!({"to_status": "in-progress", "comment": "x".repeat(2_001)}), "comment"),
        (
            json!({"to_status": "in-progress", "after_id": task["id"], "evidence": [link("pr_link")]}),
            "after_id",
        ),
        (
            json!({"to_status": "in-progress", "after_id": blocker["id"], "evidence": [link("pr_link")]}),
            "after_id",
        ),
        (json!({"to_status": "backlog", "after_id": blocker["id"], "before_id": blocker["id"]}), "before_id"),
    ] {
        let refused = transitions(ada, &task, body).await;
        assert_eq!(
            (refused.refusal().as_str(), refused.fields()),
            ("400 VALIDATION_FAILED", vec![field.to_owned()])
        );
    }
    assert_eq!(gets(ada, &task).await, before);
    assert_eq!(ada.events().await.len(), events);

    ada.moves(&blocker, "complete").await.expect_status(200);
    let done = transitions(ada, &task, both).await.expect_status(200).json();
    assert_eq!((&done["status"], &done["blocked"]), (&json!("complete"), &json!(false)));
    assert!(done["completed_at"].is_string());
    assert_eq!(done["evidence"].as_array().unwrap().len(), 2);
    assert_eq!(
        kinds_after(ada, events + 1).await,
        ["task.evidence.added", "task.evidence.added", "task.transitioned"]
    );
    let last = ada.events().await.pop().unwrap();
    assert_eq!((&last["payload"]["from"], &last["payload"]["to"]), (&json!("backlog"), &json!("complete")));

    let reopened = transitions(ada, &task, json!({"to_status": "in-review", "comment": " again "}))
        .await
        .expect_status(200)
        .json();
    assert_eq!(reopened["completed_at"], Value::Null);
    assert_eq!(reopened["evidence"].as_array().unwrap().len(), 2, "what was shown stays shown");
    assert_eq!(ada.events().await.pop().unwrap()["payload"]["comment"], "again");
    ada.moves(&blocker, "backlog").await.expect_status(200);
    assert_eq!(gets(ada, &task).await["blocked"], true, "a reopened blocker blocks again");
}

#[tokio::test]
async fn evidence_comes_and_goes_without_a_move() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let (ada, bot) = (&acme.admin, hub.agent(&acme, "bot").await);
    let task = ada.creates_task("x").await;
    let events = ada.events().await.len();

    let given = bot
        .post(
            &path(&bot, &task, "/evidence"),
            json!({"type": "doc_url", "url": " https://example.org/ä?b#c "}),
        )
        .await;
    let with = given.expect_status(201).json();
    let piece = &with["evidence"][0];
    assert_eq!((&piece["url"], &piece["created_by"]), (&json!("https://example.org/ä?b#c"), &json!(bot.id)));
    assert_eq!((&with["version"], &with["status"]), (&json!(2), &json!("backlog")));
    for url in [
        "",
        "http://example.org",
        "https://",
        "https://?x",
        "javascript:alert(1)",
        "https://a b",
        "https://a\nb",
        &format!("https://{}", "x".repeat(2_041)),
    ] {
        let reply = ada.post(&path(ada, &task, "/evidence"), json!({"type": "doc_url", "url": url})).await;
        assert_eq!((reply.status, reply.fields()), (400, vec!["url".to_owned()]), "{url}");
    }
    let other = ada.creates_task("other").await;
    let piece_at = |task: &Value| path(ada, task, &format!("/evidence/{}", id(piece)));
    assert_eq!(ada.delete(&piece_at(&other)).await.refusal(), "404 EVIDENCE_NOT_FOUND");
    ada.delete(&piece_at(&task)).await.expect_status(204);
    assert_eq!(ada.delete(&piece_at(&task)).await.refusal(), "404 EVIDENCE_NOT_FOUND");
    assert_eq!(gets(ada, &task).await["evidence"], json!([]));
    assert_eq!(
        kinds_after(ada, events).await,
        ["task.evidence.added", "task.created", "task.evidence.removed"]
    );
}

#[tokio::test]
async fn new_and_moved_tasks_go_to_the_top_or_where_they_are_told() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let ada = &acme.admin;
    let a = ada.creates_task("a").await;
    let b = ada.creates_task("b").await;
    let c = ada.creates_task_with(json!({"title": "c", "after_id": b["id"]})).await;
    ada.creates_task_with(json!({"title": "d", "before_id": a["id"]})).await;
    assert_eq!(titles(ada, "status=backlog").await, ["b", "c", "d", "a"]);

    ada.moves(&a, "in-progress").await.expect_status(200);
    ada.moves(&b, "in-progress").await.expect_status(200);
    transitions(ada, &c, json!({"to_status": "in-progress", "after_id": a["id"]})).await.expect_status(200);
    assert_eq!(titles(ada, "status=in-progress").await, ["b", "a", "c"]);

    let events = ada.events().await.len();
    let moved = ada.patch(&path(ada, &c, ""), json!({"before_id": b["id"]})).await.expect_status(200).json();
    assert_eq!(titles(ada, "status=in-progress").await, ["c", "b", "a"]);
    assert_eq!(ada.events().await.pop().unwrap()["payload"]["changed"], json!(["position"]));
    for body in [json!({"before_id": b["id"]}), json!({"after_id": null})] {
        // It stands there already; and a neighbour cannot be cleared.
        let reply = ada.patch(&path(ada, &c, ""), body).await;
        assert!(reply.status == 400 || reply.json() == moved, "{}", reply.text);
    }
    let same = ada.moves(&c, "in-progress").await.expect_status(200).json();
    assert_eq!(same, moved, "the same column without a neighbour is no move");
    assert_eq!(ada.events().await.len(), events + 1);
    transitions(ada, &a, json!({"to_status": "in-progress", "before_id": c["id"]})).await.expect_status(200);
    assert_eq!(titles(ada, "status=in-progress").await, ["a", "c", "b"]);
}

#[tokio::test]
async fn the_order_under_random_moves_is_that_of_a_list() {
    const TASKS: usize = 8;
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let ada = &acme.admin;
    let columns = ["backlog", "in-progress"];
    let mut model: [Vec<usize>; 2] = [Vec::new(), Vec::new()];
    let mut tasks = Vec::new();
    for number in 0..TASKS {
        tasks.push(ada.creates_task(&number.to_string()).await);
        model[0].insert(0, number);
    }
    let mut dice = Dice(0x2026_1122);
    for step in 0..200 {
        let (moving, to) = (dice.below(TASKS), dice.below(2));
        let from = usize::from(model[1].contains(&moving));
        let others: Vec<usize> = model[to].iter().copied().filter(|task| *task != moving).collect();
        let mut body = json!({"to_status": columns[to]});
        let at = if others.is_empty() || dice.below(5) == 0 {
            // Without a neighbour: the top of another column, or no move in its own.
            (from != to).then_some(0)
        } else {
            let neighbour = dice.below(others.len());
            let after = dice.below(2);
            body[["before_id", "after_id"][after]] = tasks[others[neighbour]]["id"].clone();
            Some(neighbour + after)
        };
        transitions(ada, &tasks[moving], body).await.expect_status(200);
        if let Some(at) = at {
            model[from].retain(|task| *task != moving);
            model[to].insert(at, moving);
        }
        if step % 20 == 19 {
            for (column, want) in columns.iter().zip(&model) {
                let want: Vec<String> = want.iter().map(ToString::to_string).collect();
                assert_eq!(titles(ada, &format!("status={column}")).await, want, "after step {step}");
            }
        }
    }
}

#[tokio::test]
async fn different_tasks_moved_at_once_get_places_of_their_own() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let ada = &acme.admin;
    let first = ada.creates_task("first").await;
    ada.moves(&first, "in-progress").await.expect_status(200);
    let mut tasks = Vec::new();
    for number in 0..20 {
        tasks.push(ada.creates_task(&number.to_string()).await);
    }
    let moves = tasks.iter().enumerate().map(|(number, task)| {
        let body = if number % 2 == 0 {
            json!({"to_status": "in-progress"})
        } else {
            json!({"to_status": "in-progress", "after_id": first["id"]})
        };
        transitions(ada, task, body)
    });
    for reply in futures_util::future::join_all(moves).await {
        reply.expect_status(200);
    }
    let listed = lists(ada, "status=in-progress").await;
    let positions: Vec<_> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| task["position"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(positions.len(), 21);
    assert!(positions.is_sorted_by(|one, next| one < next), "{positions:?}");
    let order = titles(ada, "status=in-progress").await;
    let middle = order.iter().position(|title| title == "first").unwrap();
    assert_eq!(middle, 10, "ten above, ten below: {order:?}");
}

#[tokio::test]
async fn of_twenty_who_have_read_the_same_version_one_wins() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let ada = &acme.admin;
    let task = ada.creates_task("contested").await;
    let (events, columns) = (ada.events().await.len(), ["in-progress", "in-review", "complete"]);

    let tries = (0..20).map(|number| {
        let request = ada
            .request(reqwest::Method::POST, &path(ada, &task, "/transition"))
            .header("if-match", "\"1\"")
            .json(&json!({"to_status": columns[number % 3]}));
        ada.send(request)
    });
    let replies = futures_util::future::join_all(tries).await;

    let won: Vec<_> = replies.iter().filter(|reply| reply.status == 200).collect();
    assert_eq!(won.len(), 1);
    assert!(
        replies
            .iter()
            .filter(|reply| reply.status != 200)
            .all(|reply| reply.refusal() == "412 STALE_VERSION")
    );
    assert_eq!(ada.events().await.len(), events + 1);
    let now = gets(ada, &task).await;
    assert_eq!((&now["status"], &now["version"]), (&won[0].json()["status"], &json!(2)));
    for stale in ["1", "\"1\"", "W/\"1\"", "\"3\"", "\"x\"", "\"\""] {
        let request = ada.request(reqwest::Method::PATCH, &path(ada, &task, "")).header("if-match", stale);
        assert_eq!(
            ada.send(request.json(&json!({"title": "y"}))).await.refusal(),
            "412 STALE_VERSION",
            "{stale}"
        );
    }
    let any = ada.request(reqwest::Method::PATCH, &path(ada, &task, "")).header("if-match", "*");
    ada.send(any.json(&json!({"title": "y"}))).await.expect_status(200);
}

#[tokio::test]
async fn without_a_version_all_moves_happen_one_after_the_other() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let ada = &acme.admin;
    let task = ada.creates_task("busy").await;
    let events = ada.events().await.len();
    let columns = ["backlog", "in-progress", "in-review", "complete"];
    let moves = (0..20).map(|number| transitions(ada, &task, json!({"to_status": columns[number % 4]})));
    for reply in futures_util::future::join_all(moves).await {
        reply.expect_status(200);
    }

    let now = gets(ada, &task).await;
    let (mut status, mut version) = (json!("backlog"), 1);
    for event in &ada.events().await[events..] {
        assert_eq!(event["payload"]["from"], status, "each goes on from the one before");
        status = event["payload"]["to"].clone();
        version += 1;
        assert_eq!(event["payload"]["task"]["version"], version);
    }
    assert_eq!((&now["status"], &now["version"]), (&status, &json!(version)));
    assert_eq!(now["completed_at"].is_string(), status == "complete");
}

#[tokio::test]
async fn dependencies_never_close_a_circle() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let ada = &acme.admin;
    let (a, b, c) = (ada.creates_task("a").await, ada.creates_task("b").await, ada.creates_task("c").await);
    let circle = |reply: Reply| -> Vec<(String, String)> {
        assert_eq!(reply.refusal(), "409 DEPENDENCY_CYCLE");
        let details = reply.json()["error"]["details"].as_array().unwrap().clone();
        details
            .iter()
            .map(|detail| {
                (detail["field"].as_str().unwrap().to_owned(), detail["message"].as_str().unwrap().to_owned())
            })
            .collect()
    };
    let named = |tasks: &[&Value]| -> Vec<(String, String)> {
        tasks.iter().map(|task| (id(task).to_owned(), task["title"].as_str().unwrap().to_owned())).collect()
    };

    assert_eq!(circle(waits_for(ada, &a, &a).await), named(&[&a]));
    let waiting = waits_for(ada, &a, &b).await.expect_status(201).json();
    assert_eq!(waiting["blocked"], true);
    assert_eq!(waiting["dependencies"], json!([{"id": b["id"], "title": "b", "status": "backlog"}]));
    assert_eq!(
        gets(ada, &b).await["dependents"],
        json!([{"id": a["id"], "title": "a", "status": "backlog"}])
    );
    assert_eq!(circle(waits_for(ada, &b, &a).await), named(&[&b, &a]));
    waits_for(ada, &b, &c).await.expect_status(201);
    assert_eq!(circle(waits_for(ada, &c, &a).await), named(&[&c, &a, &b]), "in the order of the way");
    let events = ada.events().await.len();
    let again = waits_for(ada, &a, &b).await.expect_status(201).json();
    assert_eq!(again["version"], waiting["version"], "twice is once");
    assert_eq!(ada.events().await.len(), events);

    ada.moves(&b, "complete").await;
    let at = path(ada, &a, &format!("/dependencies/{}", id(&b)));
    ada.delete(&at).await.expect_status(204);
    assert_eq!(ada.delete(&at).await.refusal(), "404 DEPENDENCY_NOT_FOUND");
    let free = gets(ada, &a).await;
    assert_eq!((&free["blocked"], &free["dependencies"]), (&json!(false), &json!([])));
    assert_eq!(ada.events().await.pop().unwrap()["payload"]["blocked_by_id"], b["id"]);
    waits_for(ada, &c, &a).await.expect_status(201);
    let nobody = ada.post(&path(ada, &a, "/dependencies"), json!({"blocked_by_id": acme.admin.id})).await;
    assert_eq!(nobody.fields(), ["blocked_by_id"]);
}

#[tokio::test]
async fn two_who_close_a_circle_at_once_do_not_both_succeed() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let ada = &acme.admin;
    for _ in 0..8 {
        let (a, b) = (ada.creates_task("a").await, ada.creates_task("b").await);
        let (one, other) = futures_util::future::join(waits_for(ada, &a, &b), waits_for(ada, &b, &a)).await;
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409]);
    }
}

#[tokio::test]
async fn an_archived_task_leaves_the_lists_and_changes_only_by_coming_back() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let ada = &acme.admin;
    let (task, other) = (ada.creates_task("old").await, ada.creates_task("other").await);
    waits_for(ada, &task, &other).await.expect_status(201);
    let before = gets(ada, &task).await;
    let events = ada.events().await.len();

    for _ in 0..2 {
        ada.delete(&path(ada, &task, "")).await.expect_status(204);
    }
    assert_eq!(titles(ada, "").await, ["other"]);
    assert_eq!(found(ada, "include_archived=true").await, set(&["old", "other"]));
    let archived = gets(ada, &task).await;
    assert!(archived["archived_at"].is_string());
    assert_eq!(archived["allowed_transitions"], json!([]));
    let link = json!({"type": "doc_url", "url": "https://example.org"});
    for reply in [
        ada.patch(&path(ada, &task, ""), json!({"title": "new"})).await,
        ada.moves(&task, "complete").await,
        ada.post(&path(ada, &task, "/evidence"), link).await,
        waits_for(ada, &task, &other).await,
        waits_for(ada, &other, &task).await,
        ada.delete(&path(ada, &task, &format!("/dependencies/{}", id(&other)))).await,
    ] {
        assert_eq!(reply.refusal(), "409 TASK_ARCHIVED", "{}", reply.asked);
    }
    for _ in 0..2 {
        ada.post(&path(ada, &task, "/restore"), json!({})).await.expect_status(200);
    }
    assert_eq!(kinds_after(ada, events).await, ["task.archived", "task.restored"]);
    let mut restored = gets(ada, &task).await;
    for field in ["version", "updated_at"] {
        restored[field] = before[field].clone();
    }
    assert_eq!(restored, before, "nothing was lost");
    let missing = acme.path(&format!("/tasks/{}", ada.id));
    for reply in [ada.get(&missing).await, ada.delete(&missing).await, ada.patch(&missing, json!({})).await] {
        assert_eq!(reply.refusal(), "404 TASK_NOT_FOUND");
    }
}

#[tokio::test]
async fn changes_of_one_task_at_once_all_count_and_none_while_it_is_archived() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let ada = &acme.admin;
    let task = ada.creates_task("busy").await;
    let events = ada.events().await.len();
    let at = path(ada, &task, "");
    let evidence = path(ada, &task, "/evidence");
    let give = futures_util::future::join_all((0..10).map(|number| {
        ada.post(&evidence, json!({"type": "doc_url", "url": format!("https://example.org/{number}")}))
    }));
    let describe = futures_util::future::join_all(
        (0..10).map(|number| ada.patch(&at, json!({"description": number.to_string()}))),
    );
    let (given, described, archived) = futures_util::future::join3(give, describe, ada.delete(&at)).await;
    assert_eq!(archived.status, 204);

    let replies: Vec<_> = given.into_iter().chain(described).collect();
    assert!(replies.iter().all(|reply| reply.status < 300 || reply.refusal() == "409 TASK_ARCHIVED"));
    let done = replies.iter().filter(|reply| reply.status < 300).count();
    let told = ada.events().await.split_off(events);
    assert_eq!(told.len(), done + 1);
    assert_eq!(told[done]["type"], "task.archived", "nothing comes after it");
    let versions: Vec<_> =
        told.iter().map(|event| event["payload"]["task"]["version"].as_u64().unwrap()).collect();
    assert!(versions.iter().copied().eq(2..2 + versions.len() as u64), "{versions:?}");
    let mut last = gets(ada, &task).await;
    last.as_object_mut().unwrap().remove("allowed_transitions");
    assert_eq!(told[done]["payload"]["task"], last, "the last event tells the end");
}
