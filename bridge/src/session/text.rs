//! What an agent reads and what becomes of what it writes. Pure.

use mission_control_shared::{Message, MessageKind, Project, Task, Timestamp, UserType};

use crate::roster::Roster;
use crate::route::text_of;
use crate::state::{Item, ItemSender, Part};
use crate::task_text;

/// Longest message that the server takes, in characters.
const LONGEST: usize = 10_000;
/// Room for the number of a part.
const NUMBER: usize = 16;

/// What an agent is told when its session begins.
#[derive(Debug)]
pub struct Introduction {
    /// What the channel is about.
    pub topic: Option<String>,
    /// The project whose channel it is.
    pub project: Option<Project>,
    /// The agent's open tasks here.
    pub tasks: Vec<Task>,
    /// What was said last, oldest first.
    pub messages: Vec<Message>,
}

/// What is put together for one delivery.
#[derive(Debug)]
pub struct PromptContext<'a> {
    /// Who is who.
    pub roster: &'a Roster,
    /// What the channel is called.
    pub channel: &'a str,
    /// At the beginning of a session.
    pub introduction: Option<&'a Introduction>,
    /// What was said and done since the agent was last here.
    pub since: &'a [Item],
    /// Things to know that were too many to keep.
    pub left_out: i64,
    /// What wakes it.
    pub now: &'a Item,
}

/// The text of a delivery: readable blocks, what wakes the agent last.
pub fn prompt(context: &PromptContext<'_>) -> String {
    let mut text = String::new();
    if let Some(introduction) = context.introduction {
        introduce(&mut text, context, introduction);
    }
    if !context.since.is_empty() || context.left_out > 0 {
        text.push_str("## Since you were last here\n\n");
        if context.left_out > 0 {
            text.push_str(&format!(
                "({} earlier ones are left out; they are in the channel.)\n",
                context.left_out
            ));
        }
        for item in context.since {
            text.push_str(&format!("{}: {}\n", head(item), item.text));
        }
        text.push('\n');
    }
    text.push_str(&format!("## Now, in #{}\n\n{}", context.channel, head(context.now)));
    if context.now.mentioned {
        text.push_str(", mentions you");
    }
    text.push_str(&format!(":\n\n{}", context.now.text));
    text
}

/// Who, when, and about which task.
fn head(item: &Item) -> String {
    let who = item.sender.as_ref().map_or_else(|| "Mission Control".to_owned(), who);
    let task = item.task.as_ref().map(|task| {
        let title = task.title.as_ref().map(|title| format!(" “{title}”")).unwrap_or_default();
        let status = task.status.map(|status| format!(", {status}")).unwrap_or_default();
        format!(", about the task{title} ({}{status})", task.id)
    });
    let edited = if item.edited { ", edited an earlier message, which now reads" } else { "" };
    format!("{who}, {}{}{edited}", when(item.at), task.unwrap_or_default())
}

fn who(sender: &ItemSender) -> String {
    let kind = if sender.human { "human" } else { "agent" };
    if sender.handle.is_empty() {
        return format!("{} ({kind})", sender.name);
    }
    format!("{} (@{}, {kind})", sender.name, sender.handle)
}

/// To the minute.
fn when(at: Timestamp) -> String {
    let text = at.to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(minute)) => format!("{day} {minute} UTC"),
        _ => text,
    }
}

fn introduce(text: &mut String, context: &PromptContext<'_>, introduction: &Introduction) {
    let Roster { handle, display_name, org_name, .. } = context.roster;
    text.push_str(&format!(
        "## Where you are\n\nYou are {display_name} (@{handle}), an agent of the organization {org_name} on Mission Control, \
         where people and agents run projects together. This session is the channel #{}. What you answer is posted there as it is; \
         Markdown (bold, italic, code, lists, links) is shown. Write @handle to mention somebody. \
         You are woken when somebody needs you; what else happens is told to you then.\n\n",
        context.channel
    ));
    if let Some(topic) = &introduction.topic {
        text.push_str(&format!("The channel's topic: {topic}\n\n"));
    }
    if let Some(project) = &introduction.project {
        text.push_str(&format!(
            "## The project {}\n\nStage: {}. Type: {}.\n",
            project.name, project.stage, project.kind
        ));
        for (name, url) in &project.links {
            text.push_str(&format!("{name}: {url}\n"));
        }
        if !project.description.is_empty() {
            text.push_str(&format!("\n{}\n", project.description));
        }
        text.push('\n');
    }
    if !introduction.tasks.is_empty() {
        text.push_str("## Your open tasks\n\n");
        for task in &introduction.tasks {
            text.push_str(&format!("- {}\n", task_text::line(task)));
        }
        text.push('\n');
    }
    if !introduction.messages.is_empty() {
        text.push_str("## What was said last\n\n");
        for message in &introduction.messages {
            push_message(text, message);
        }
        text.push('\n');
    }
}

fn push_message(text: &mut String, message: &Message) {
    if message.deleted_at.is_some() {
        return;
    }
    let sender = &message.sender;
    let human = sender.kind == UserType::Human;
    let sender = ItemSender { handle: sender.handle.clone(), name: sender.display_name.clone(), human };
    text.push_str(&format!("{}, {}: {}\n", who(&sender), when(message.created_at), text_of(message)));
}

/// An answer as it is posted: what is too long for one message becomes numbered parts that end where
/// a paragraph, a line or a word ends.
pub fn parts(answer: &str, kind: MessageKind) -> Vec<Part> {
    let answer = answer.trim();
    if answer.is_empty() {
        return Vec::new();
    }
    if answer.chars().count() <= LONGEST {
        return vec![Part { content: answer.to_owned(), kind }];
    }
    let mut pieces = Vec::new();
    let mut rest = answer;
    while !rest.is_empty() {
        let (piece, left) = cut(rest, LONGEST - NUMBER);
        pieces.push(piece);
        rest = left;
    }
    let count = pieces.len();
    let numbered = (1..)
        .zip(pieces)
        .map(|(number, piece)| Part { content: format!("({number}/{count})\n{piece}"), kind });
    numbered.collect()
}

/// Up to `longest` characters of a text, and what is left of it.
fn cut(text: &str, longest: usize) -> (&str, &str) {
    let Some((end, _)) = text.char_indices().nth(longest) else {
        return (text.trim_end(), "");
    };
    let head = &text[..end];
    // Not so early that a part is nearly empty.
    let late = |at: &usize| *at > end / 2;
    let at = head
        .rfind("\n\n")
        .filter(late)
        .or_else(|| head.rfind('\n').filter(late))
        .or_else(|| head.rfind(char::is_whitespace).filter(late))
        .unwrap_or(end);
    (text[..at].trim_end(), text[at..].trim_start_matches(['\n', '\r', ' ']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_answer_is_cut_at_paragraphs_and_nothing_is_lost() {
        let paragraph = "word ".repeat(500);
        let answer = std::iter::repeat_n(paragraph.trim(), 40).collect::<Vec<_>>().join("\n\n");
        let parts = parts(&answer, MessageKind::Text);
        assert_eq!(parts.len(), 14);
        let mut joined = Vec::new();
        for (number, part) in (1..).zip(&parts) {
            assert!(part.content.chars().count() <= LONGEST);
            let (head, text) = part.content.split_once('\n').expect("it is numbered");
            assert_eq!(head, format!("({number}/14)"));
            assert!(text.ends_with("word"), "it ends with a paragraph");
            joined.push(text.to_owned());
        }
        assert_eq!(joined.join("\n\n"), answer);
    }

    #[test]
    fn what_has_no_paragraphs_is_cut_by_characters() {
        let answer = "ä".repeat(25_000);
        let parts = parts(&answer, MessageKind::Text);
        let letters: usize = parts.iter().map(|part| part.content.matches('ä').count()).sum();
        assert_eq!((parts.len(), letters), (3, 25_000));
    }

    #[test]
    fn an_edit_is_told_as_one() {
        let sender = ItemSender { handle: "ada".to_owned(), name: "Ada".to_owned(), human: true };
        let item = Item {
            sender: Some(sender),
            at: Timestamp(0),
            text: "new text".to_owned(),
            message_id: None,
            task: None,
            mentioned: false,
            hops: 0,
            edited: true,
        };
        assert_eq!(
            head(&item),
            "Ada (@ada, human), 1970-01-01 00:00 UTC, edited an earlier message, which now reads"
        );
    }

    #[test]
    fn short_and_empty_answers_are_left_alone() {
        assert_eq!(parts(" /status is text ", MessageKind::Text)[0].content, "/status is text");
        assert_eq!(parts(" \n", MessageKind::Text), []);
    }
}
