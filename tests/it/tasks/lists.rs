//! Lists of tasks: totals that are counters, and cursors.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{id, lists, path};
use crate::support::{Actor, Dice, TestHub};

const STATUSES: [&str; 4] = ["backlog", "in-progress", "in-review", "complete"];
const PRIORITIES: [&str; 4] = ["low", "medium", "high", "critical"];
const TYPES: [&str; 3] = ["bug", "feature", "chore"];

/// Every task of a list, read by cursor.
async fn all_behind(actor: &Actor, query: &str, per_page: usize) -> Vec<Value> {
    let (mut tasks, mut cursor) = (Vec::new(), String::new());
    loop {
        let asked = format!("/tasks?per_page={per_page}&{query}{cursor}");
        let page = actor.get(&actor.path(&asked)).await.expect_status(200).json();
        tasks.extend(page["data"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return tasks,
        }
    }
}

async fn total(actor: &Actor, query: &str) -> i64 {
    let page = actor.get(&actor.path(&format!("/tasks?per_page=1&{query}"))).await.expect_status(200).json();
    assert_eq!(page["pagination"]["total_exact"], true, "{query}");
    page["pagination"]["total"].as_i64().unwrap()
}

/// Holds every total that a counter tells against the tasks themselves.
async fn totals_are_true(actor: &Actor) {
    let tasks = all_behind(actor, "include_archived=true", 100).await;
    let count = |fits: &dyn Fn(&Value) -> bool| tasks.iter().filter(|task| fits(task)).count() as i64;
    let live = |task: &Value| task["archived_at"].is_null();
    assert_eq!(total(actor, "include_archived=true").await, tasks.len() as i64);
    assert_eq!(total(actor, "").await, count(&live));
    for (field, values) in [("status", &STATUSES[..]), ("priority", &PRIORITIES), ("type", &TYPES)] {
        for value in values {
            let fits = |task: &Value| live(task) && task[field] == *value;
            assert_eq!(total(actor, &format!("{field}={value}")).await, count(&fits), "{field}={value}");
        }
    }
    let both = |task: &Value| task["status"] == "backlog" && task["type"] == "bug";
    assert_eq!(total(actor, "status=backlog&type=bug&include_archived=true").await, count(&both));
    let projects = actor.get(&actor.path("/projects?per_page=100&include_ended=true")).await.json();
    for project in projects["data"].as_array().unwrap() {
        let inside =
            |task: &Value| live(task) && task["project_ids"].as_array().unwrap().contains(&project["id"]);
        let counted: BTreeMap<&str, i64> = STATUSES
            .into_iter()
            .map(|status| (status, count(&|task| inside(task) && task["status"] == status)))
            .collect();
        assert_eq!(project["task_counts"], json!(counted));
        assert_eq!(total(actor, &format!("project_id={}", id(project))).await, count(&inside));
    }
}

#[tokio::test]
async fn totals_stay_true_whatever_happens_to_tasks() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let admin = &acme.admin;
    let mut projects = Vec::new();
    for name in ["Apollo", "Gemini", "Mercury"] {
        projects.push(admin.creates_project(name).await["id"].clone());
    }
    let mut dice = Dice::new();
    let mut roll = |end: usize| usize::try_from(dice.below(end as u64)).unwrap();
    let (mut tasks, mut archived): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    for round in 0..120 {
        let some: Vec<&Value> = projects.iter().filter(|_| roll(2) == 0).collect();
        if tasks.len() < 8 || roll(4) == 0 {
            let new = json!({
                "title": format!("Task {}", roll(5)), "type": TYPES[roll(3)],
                "priority": PRIORITIES[roll(4)], "project_ids": some,
            });
            tasks.push(admin.creates_task_with(new).await);
        } else {
            let task = tasks[roll(tasks.len())].clone();
            // Whatever is refused (an archived task, a move that does not exist) changes nothing.
            match roll(6) {
                0 => {
                    admin.delete(&path(admin, &task, "")).await.expect_status(204);
                    archived.push(task);
                }
                1 if !archived.is_empty() => {
                    let task = archived.swap_remove(roll(archived.len()));
                    admin.post(&path(admin, &task, "/restore"), json!({})).await.expect_status(200);
                }
                2 => {
                    let patch = json!({
                        "title": format!("Task {}", roll(5)), "type": TYPES[roll(3)],
                        "priority": PRIORITIES[roll(4)],
                    });
                    drop(admin.patch(&path(admin, &task, ""), patch).await);
                }
                3 => drop(admin.patch(&path(admin, &task, ""), json!({ "project_ids": some })).await),
                _ => drop(admin.moves(&task, STATUSES[roll(4)]).await),
            }
        }
        if round % 20 == 19 {
            totals_are_true(admin).await;
        }
    }
    admin
        .delete(&acme.path(&format!("/projects/{}", projects[0].as_str().unwrap())))
        .await
        .expect_status(204);
    totals_are_true(admin).await;
    hub.verifies().await;
    let kinds: BTreeSet<String> =
        admin.events().await.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect();
    for kind in ["task.archived", "task.restored", "task.updated", "task.transitioned"] {
        assert!(kinds.contains(kind), "the dice made a story with {kind}");
    }
}

#[tokio::test]
async fn a_cursor_goes_through_any_list_in_its_order() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let admin = &acme.admin;
    let project = admin.creates_project("Apollo").await;
    let mut tasks = Vec::new();
    for number in 0..17_usize {
        let new = json!({
            "title": format!("Task {}", number % 4), "type": TYPES[number % 3], "priority": PRIORITIES[number % 4],
            "project_ids": if number % 2 == 0 { json!([project["id"]]) } else { json!([]) },
        });
        tasks.push(admin.creates_task_with(new).await);
    }
    for (number, task) in tasks.iter().enumerate() {
        if number % 3 > 0 {
            admin.moves(task, STATUSES[1]).await.expect_status(200);
        }
        if number % 5 == 0 {
            admin.delete(&path(admin, task, "")).await.expect_status(204);
        }
    }
    let project = format!("project_id={}", id(&project));
    for sort in ["position", "created_at", "updated_at", "priority", "title", "status"] {
        for order in ["asc", "desc"] {
            for filter in [
                "",
                "include_archived=true",
                "status=backlog",
                "priority=high&priority=low",
                "type=bug",
                "status=backlog&priority=low",
                "q=TASK%202&include_archived=true",
                "blocked=false",
                &project,
            ] {
                let query = format!("sort={sort}&order={order}&{filter}");
                let whole = lists(admin, &query).await;
                assert_eq!(json!(all_behind(admin, &query, 2).await), whole["data"], "{query}");
                assert!(whole["pagination"]["total"].as_i64() > Some(0), "{query}");
            }
        }
    }
}

#[tokio::test]
async fn a_cursor_misses_nothing_and_repeats_nothing_while_tasks_come_and_go() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let admin = &acme.admin;
    let mut tasks = Vec::new();
    for number in 0..9 {
        tasks.push(admin.creates_task(&format!("old {number}")).await);
    }
    let first = admin.get(&acme.path("/tasks?per_page=4")).await.json();
    // One on the first page goes, one comes above it.
    admin.delete(&path(admin, &tasks[8], "")).await.expect_status(204);
    admin.creates_task("new").await;

    let cursor = format!("cursor={}", first["next_cursor"].as_str().unwrap());
    let rest = lists(admin, &cursor).await;

    let titles = |page: &Value| -> Vec<String> {
        let data = page["data"].as_array().unwrap().iter();
        data.map(|task| task["title"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(titles(&first), ["old 8", "old 7", "old 6", "old 5"]);
    assert_eq!(titles(&rest), ["old 4", "old 3", "old 2", "old 1", "old 0"]);
    for wrong in ["sort=updated_at&", "cursor=x&"] {
        let query =
            if wrong.starts_with("cursor") { "cursor=x".to_owned() } else { format!("{wrong}{cursor}") };
        assert_eq!(admin.get(&acme.path(&format!("/tasks?{query}"))).await.fields(), ["cursor"]);
    }
}
