//! Tasks on the move: evidence, order, dependencies, archive, and many hands at once.

use serde_json::{Value, json};

use super::{found, gets, id, kinds_after, lists, path, set, titles, transitions, waits_for};
use crate::support::{Reply, TestHub};

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
