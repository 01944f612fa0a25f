//! What becomes of every frame that a real Gateway was heard to send.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use serde_json::value::RawValue;

use super::frame::{self, Frame};
use super::{CallError, call, event, handshake, history};

fn transcripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/gateway/frames");
    let files = fs::read_dir(folder).expect("the recorded frames are there");
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    files
}

/// One line for each frame that means something here; ids and keys shortened by order of appearance.
fn retell(file: &Path) -> String {
    let (mut story, mut skipped, mut asked) = (String::new(), 0, HashMap::new());
    for line in fs::read_to_string(file).expect("reads").lines() {
        let line: Value = serde_json::from_str(line).expect("a line is JSON");
        let connection = line["conn"].as_str().unwrap_or_default().to_owned();
        let at = |id: &str| (connection.clone(), id.to_owned());
        let text = line["frame"].to_string();
        match line["dir"].as_str() {
            Some("out") => {
                let id = line["frame"]["id"].as_str().unwrap_or_default();
                asked.insert(at(id), line["frame"]["method"].as_str().unwrap_or_default().to_owned());
            }
            Some("in") => {
                let frame = frame::read(&text).expect("a recorded frame reads").expect("of a known kind");
                let told = match frame {
                    Frame::Response { id, result } => {
                        // Who was connected before the recording began is not in it.
                        let method = asked.get(&at(&id)).map_or("connect", |method| method);
                        Some(format!("{method} → {}", response(method, result)))
                    }
                    Frame::Event { name, payload } => happened(&name, payload),
                };
                match told {
                    Some(told) => writeln!(story, "{told}").expect("to a string"),
                    None => skipped += 1,
                }
            }
            _ => {}
        }
    }
    writeln!(story, "and {skipped} frames that concern no session").expect("to a string");
    shorten(&story)
}

fn happened(name: &str, payload: &RawValue) -> Option<String> {
    if name == "shutdown" {
        return Some("shutdown".to_owned());
    }
    event::read(name, payload)
        .expect("a recorded event reads")
        .map(|(key, event)| format!("{key}: {event:?}"))
}

fn response(method: &str, result: Result<&RawValue, CallError>) -> String {
    let result = result.map(ToOwned::to_owned);
    let told = |text: Result<String, CallError>| match text {
        Ok(text) => text,
        Err(CallError::Refused { code, message, details, .. }) => {
            format!("refused: {code} {message} {details}")
        }
        Err(error) => error.to_string(),
    };
    match method {
        "connect" => match result {
            Ok(payload) => format!("{:?}", handshake::hello(payload.get())),
            Err(error) => handshake::refusal(error).to_string(),
        },
        "chat.send" => told(call::acknowledged(result).map(|ack| format!("{ack:?}"))),
        "chat.history" => {
            told(result.map(|payload| format!("{:?}", history::read(&payload).expect("reads"))))
        }
        "chat.message.get" => told(result.map(|payload| format!("{:?}", call::whole_text(&payload)))),
        "chat.abort" => told(result.map(|payload| format!("{:?}", call::read::<call::Aborted>(&payload)))),
        "sessions.describe" => {
            told(result.map(|payload| format!("{:?}", call::read::<call::Described>(&payload))))
        }
        "agents.list" => told(result.map(|payload| format!("{:?}", call::read::<call::AgentList>(&payload)))),
        _ => told(result.map(|_| "ok".to_owned())),
    }
}

/// UUIDs as `#1`, `#2`, …, long texts cut.
fn shorten(story: &str) -> String {
    let (mut seen, mut short) = (Vec::new(), String::new());
    let mut rest = story;
    while !rest.is_empty() {
        if let Some(id) = rest.get(..36).filter(|id| uuid::Uuid::try_parse(id).is_ok()) {
            let number = seen.iter().position(|known| *known == id).unwrap_or_else(|| {
                seen.push(id);
                seen.len() - 1
            });
            write!(short, "#{}", number + 1).expect("to a string");
            rest = &rest[36..];
        } else {
            let next = rest.chars().next().expect("there is more");
            short.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    short
}

#[test]
fn every_recorded_frame_is_understood() {
    let transcripts = transcripts();
    assert!(transcripts.len() >= 20, "transcripts are missing: {transcripts:?}");
    for file in transcripts {
        let name = file.file_stem().expect("has a name").to_string_lossy().into_owned();
        insta::with_settings!({ snapshot_path => "recorded", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, retell(&file));
        });
    }
}
