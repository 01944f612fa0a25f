//! What an agent is told of a task. Pure.

use mission_control_shared::Task;

/// One line for a list of tasks.
pub fn line(task: &Task) -> String {
    format!("{} ({}; {})", task.title, facts(task).join(", "), task.id)
}

/// What an agent needs to know of a task that it is woken for.
pub fn details(task: &Task) -> String {
    let mut text = format!("\nPriority: {}. Type: {}.", task.priority, task.kind);
    if let Some(due_on) = task.due_on {
        text.push_str(&format!(" Due on {due_on}."));
    }
    if !task.required_evidence_types.is_empty() {
        let types: Vec<_> = task.required_evidence_types.iter().map(|kind| kind.as_str()).collect();
        text.push_str(&format!(" Evidence that completing it needs: {}.", types.join(", ")));
    }
    if task.blocked {
        let open: Vec<_> = task.dependencies.iter().map(|other| format!("“{}”", other.title)).collect();
        text.push_str(&format!(" It waits for: {}.", open.join(", ")));
    }
    if !task.description.is_empty() {
        text.push_str(&format!("\n\n{}", task.description));
    }
    text
}

fn facts(task: &Task) -> Vec<String> {
    let mut facts = vec![task.status.to_string(), format!("{} priority", task.priority)];
    if let Some(due_on) = task.due_on {
        facts.push(format!("due on {due_on}"));
    }
    if task.blocked {
        facts.push("blocked".to_owned());
    }
    facts
}
