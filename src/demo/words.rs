//! What the demo's agents say. Pure: which words fit, without knowing what they mean.

use mission_control_shared::EvidenceType;

use crate::domain::task::NewEvidence;

/// A link for each type of evidence that a task needs.
pub(super) fn evidence(needs: &[EvidenceType], title: &str) -> Vec<NewEvidence> {
    // The same task, the same links.
    let number = 100 + title.bytes().map(u32::from).sum::<u32>() % 800;
    let link = |kind: &EvidenceType| match kind {
        EvidenceType::PrLink => format!("https://git.example.org/pulls/{number}"),
        EvidenceType::TestResults => format!("https://ci.example.org/runs/{number}{}", number % 97),
        EvidenceType::DocUrl => format!("https://docs.example.org/pages/{number}"),
    };
    needs.iter().map(|kind| NewEvidence { kind: *kind, url: link(kind) }).collect()
}

/// What an agent knows of its work when it answers.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Titles of its tasks that are in progress.
    pub(super) doing: Vec<String>,
    /// Titles of its tasks that are in review.
    pub(super) in_review: Vec<String>,
    /// Titles of its tasks that are not begun.
    pub(super) next: Vec<String>,
}

/// An answer to what somebody says.
pub(super) fn answer(said: &str, sender: &str, work: &Work) -> String {
    let said = said.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let doing = work.doing.first().map_or("nothing that cannot wait", String::as_str);
    if has(&["thank", "great", "nice", "good work", "well done", "perfect"]) {
        return format!("Glad to help, {sender}.");
    }
    if has(&["working on", "doing", "status", "up to", "busy", "progress"]) {
        return overview(work);
    }
    if has(&["block", "stuck", "wait", "problem", "why"]) {
        return match work.in_review.first() {
            Some(title) => format!("Nothing blocks me. “{title}” waits for a review, then it is done."),
            None => format!("Nothing blocks me at the moment. I am on “{doing}”."),
        };
    }
    if has(&["when", "how long", "eta", "ready", "finish"]) {
        return format!("“{doing}” should be in review within the hour. I write here when it is.");
    }
    if has(&["next", "plan", "after that", "then what"]) {
        return match work.next.first() {
            Some(title) => format!("After “{doing}” I take “{title}”."),
            None => format!("After “{doing}” I have nothing: give me something from the backlog."),
        };
    }
    if has(&["help", "can you", "could you", "please", "would you"]) {
        return format!(
            "I can. Make a task of it and assign it to me: I begin when “{doing}” is in review, or at once if it is critical."
        );
    }
    if has(&["hello", "hi ", "hey", "good morning", "hi!"]) || said.trim() == "hi" {
        return format!("Hello {sender}! I am on “{doing}”. What can I do?");
    }
    if said.contains('?') {
        return format!(
            "Good question. I would have to look it up, and this is only the demo: no model stands behind me. \
             What I do know: {}",
            overview(work)
        );
    }
    format!("Noted, {sender}. I keep it in mind for “{doing}”.")
}

/// What the agent works on, in Markdown.
fn overview(work: &Work) -> String {
    let list = |title: &str, tasks: &[String]| match tasks {
        [] => String::new(),
        tasks => format!(
            "**{title}**\n{}\n",
            tasks.iter().map(|task| format!("- {task}")).collect::<Vec<_>>().join("\n")
        ),
    };
    let text =
        [list("In progress", &work.doing), list("In review", &work.in_review), list("Next", &work.next)];
    let text: Vec<_> = text.into_iter().filter(|part| !part.is_empty()).collect();
    if text.is_empty() { "I have nothing to do at the moment.".to_owned() } else { text.join("\n") }
}

/// The output of a command of the agent's.
pub(super) fn command(name: &str, handle: &str, answered: u64, work: &Work) -> String {
    match name {
        "status" => format!(
            "{handle}: ready\nmodel:    demo/scripted\ncontext:  {}k of 128k\nanswered: {answered}\ntasks:    {} in progress, {} in review, {} waiting",
            3 + answered % 40,
            work.doing.len(),
            work.in_review.len(),
            work.next.len()
        ),
        "stop" => "Nothing was running.".to_owned(),
        "new" => "New session started.".to_owned(),
        "compact" => "Context compacted.".to_owned(),
        "model" => "The demo's agents have one model: demo/scripted.".to_owned(),
        other => format!("/{other} is no command of mine. Try /status."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_fit_what_was_asked() {
        let work =
            Work { doing: vec!["Checkout".to_owned()], next: vec!["Search".to_owned()], ..Work::default() };
        assert!(answer("@kay what are you working on?", "Ada", &work).contains("- Checkout"));
        assert_eq!(answer("thanks!", "Ada", &work), "Glad to help, Ada.");
        assert!(answer("what is next?", "Ada", &work).contains("“Search”"));
        assert!(answer("how tall is it?", "Ada", &work).contains("only the demo"));
        assert!(answer("the sky is blue", "Ada", &Work::default()).contains("Noted, Ada"));
        assert!(command("status", "kay", 2, &work).contains("1 in progress"));
    }
}
