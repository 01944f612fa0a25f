//! What holds with either Gateway. Each case begins with a server, a project and a bridge of its own
//! and ends with the check that everything is there once, in order, and answered once.

use gateway_tests::check::Answer;
use gateway_tests::{Gateway, ModelRequest, Story, until};

/// The request to the model whose text contains this.
pub(crate) async fn asked(gateway: &Gateway, text: &str) -> ModelRequest {
    until("the model to be asked", || async {
        gateway.requests().into_iter().rfind(|request| request.text.contains(text))
    })
    .await
}

/// How often the model was asked something that ends with this.
pub(crate) fn times_asked(gateway: &Gateway, text: &str) -> usize {
    gateway.requests().iter().filter(|request| request.text.trim_end().ends_with(text)).count()
}

pub(crate) fn exactly(text: &str) -> Answer {
    Answer::Exactly(text.to_owned())
}

/// A word that no other case uses: the real Gateway's model is shared.
pub(crate) fn unique(word: &str) -> String {
    format!("{word}-{}", uuid::Uuid::new_v4().simple())
}

pub(crate) async fn a_message_is_answered(gateway: Gateway) {
    let mut story = Story::of_one(gateway).await;
    story.connects().await;
    let word = unique("ping");

    let id = story.asks(&format!("Are you there? SAY:pong {word}"), exactly(&format!("pong {word}"))).await;

    story.answered(&id).await;
    story.ends_well().await;
    let request = asked(&story.gateway, &word).await;
    for told in ["builder", "Apollo", "Ada", "What we make."] {
        assert!(request.text.contains(told), "a first message tells `{told}`: {}", request.text);
    }
    // Later ones do not introduce the agent again.
    let word = unique("again");
    story.asks(&format!("SAY:{word}"), exactly(&word)).await;
    story.ends_well().await;
    assert!(!asked(&story.gateway, &word).await.text.contains("What we make."));
    story.bridge_stops().await;
}

pub(crate) async fn a_mention_wakes_and_chatter_does_not(gateway: Gateway) {
    let mut story = Story::of(gateway, &[("builder", "main"), ("tester", "second")]).await;
    story.connects().await;
    let (first, chatter, second) = (unique("first"), unique("chatter"), unique("second"));

    let id = story.asks_each(&format!("@builder SAY:{first}"), &[("builder", exactly(&first))]).await;
    story.answered(&id).await;
    story.asks_each(&format!("Lunch was good, {chatter}."), &[]).await;
    let id = story.asks_each(&format!("@builder SAY:{second}"), &[("builder", exactly(&second))]).await;
    story.answered(&id).await;

    story.ends_well().await;
    let request = asked(&story.gateway, &second).await.text;
    let (at, now) = (request.find(&chatter).expect("chatter is told"), request.rfind(&second).unwrap());
    assert!(at < now, "in front of what wakes: {request}");
    assert_eq!(times_asked(&story.gateway, &format!("{chatter}.")), 0, "and wakes nobody");
    story.bridge_stops().await;
}

pub(crate) async fn two_agents_answer_in_one_channel(gateway: Gateway) {
    let mut story = Story::of(gateway, &[("builder", "main"), ("tester", "second")]).await;
    story.connects().await;
    let both = unique("both");
    for round in 0..3 {
        let said = format!("{both} {round}");
        let answers = [("builder", exactly(&said)), ("tester", exactly(&said))];
        story.asks_each(&format!("@builder @tester SAY:{said}"), &answers).await;
        story
            .asks_each(
                &format!("@tester alone: SAY:only {said}"),
                &[("tester", exactly(&format!("only {said}")))],
            )
            .await;
    }
    story.ends_well().await;
    story.bridge_stops().await;
}

pub(crate) async fn a_command_is_answered_by_the_gateway(gateway: Gateway) {
    let mut story = Story::of_one(gateway).await;
    story.connects().await;
    story.asks("/status", Answer::Command("mock/mock-a".to_owned())).await;
    story.asks("/model mock/mock-b", Answer::Command("mock/mock-b".to_owned())).await;
    let id = story.asks("WHICHMODEL", exactly("MODEL: mock-b")).await;
    // A stop goes past the queue: nothing may wait in it here.
    story.answered(&id).await;
    story.asks("/stop", Answer::Command("Nothing was running".to_owned())).await;
    story.ends_well().await;
    story.bridge_stops().await;
}

pub(crate) async fn a_stop_ends_the_run_and_the_next_message_is_answered(gateway: Gateway) {
    let mut story = Story::of_one(gateway).await;
    story.connects().await;
    let word = unique("hang");
    story.asks(&format!("{word} HANG"), Answer::Notice("stopped".to_owned())).await;
    asked(&story.gateway, &word).await;
    story.asks("/stop", Answer::Command("Stopped".to_owned())).await;
    story.asks("SAY:on we go", exactly("on we go")).await;
    // Its answer stands before that of what it stopped, or after: it goes past the queue.
    assert!(story.settles().await);
    let messages = story.messages().await;
    let answers: Vec<&str> = messages
        .iter()
        .filter(|message| message.sender == "builder")
        .map(|message| message.content.as_str())
        .collect();
    assert_eq!(answers.len(), 3, "{answers:?}");
    assert!(answers[..2].iter().any(|text| text.contains("Stopped.")), "{answers:?}");
    assert!(answers[..2].iter().any(|text| text.contains("I was stopped")), "{answers:?}");
    assert_eq!(answers[2], "on we go");
    story.bridge_stops().await;
}

pub(crate) async fn messages_during_a_run_wait_their_turn(gateway: Gateway) {
    let mut story = Story::of_one(gateway).await;
    story.connects().await;
    let word = unique("slow");
    story
        .asks(
            &format!("{word} SLOW:8:150"),
            exactly("chunk-1 chunk-2 chunk-3 chunk-4 chunk-5 chunk-6 chunk-7 chunk-8"),
        )
        .await;
    asked(&story.gateway, &word).await;
    for number in 0..4 {
        story.asks(&format!("SAY:{number} {word}"), exactly(&format!("{number} {word}"))).await;
    }
    story.ends_well().await;
    story.bridge_stops().await;
}

pub(crate) async fn a_long_answer_comes_in_numbered_parts(gateway: Gateway) {
    let mut story = Story::of_one(gateway).await;
    story.connects().await;
    let words = "the board is green and the tests are quiet again ".repeat(4);
    let paragraphs: Vec<String> = (1..=500)
        .map(|number| {
            let text = format!("{number}. {words}");
            text[..200.min(text.len())].to_owned()
        })
        .collect();
    let whole = paragraphs.join("\n\n");
    assert!(whole.len() > 90_000);
    let id = story.asks("Tell me everything. PARAGRAPHS:500", Answer::Exactly(whole)).await;
    story.ends_well().await;
    let messages = story.messages().await;
    let parts: Vec<_> =
        messages.iter().filter(|message| message.reply_to.as_deref() == Some(id.as_str())).collect();
    let count = parts.len();
    assert!(count >= 10, "{count} parts");
    for (number, part) in (1..).zip(&parts) {
        assert!(part.content.starts_with(&format!("({number}/{count})")), "part {number} is numbered");
        let last = part.content.lines().last().unwrap();
        assert!(paragraphs.iter().any(|paragraph| paragraph.trim_end() == last), "it ends with a paragraph");
    }
    story.bridge_stops().await;
}

pub(crate) async fn a_model_error_is_told_and_the_next_message_answered(gateway: Gateway) {
    let mut story = Story::of_one(gateway).await;
    story.connects().await;
    story.asks("FAIL:400", Answer::Notice("provider rejected the request".to_owned())).await;
    story.asks("SAY:better now", exactly("better now")).await;
    story.ends_well().await;
    story.bridge_stops().await;
}

pub(crate) async fn slash_tokens_and_names_in_texts_stay_text(gateway: Gateway) {
    let mut story = Story::of(gateway, &[("builder", "main"), ("tester", "second")]).await;
    story.connects().await;
    let word = unique("tokens");
    // In what a person writes.
    story
        .asks_each(
            &format!("@builder please /status and /model mock/mock-b SAY:ok {word}"),
            &[("builder", exactly(&format!("ok {word}")))],
        )
        .await;
    story.ends_well().await;
    let request = asked(&story.gateway, &word).await;
    assert!(request.text.contains("please /status and /model mock/mock-b"), "{}", request.text);
    assert_eq!(request.model, "mock-a");
    // In what an agent writes: no command, and a name is a mention of an agent that does not wake
    // an agent twice.
    let text = format!("/status is not for me, ask @nobody {word}");
    story.asks_each(&format!("@builder SAY:{text}"), &[("builder", exactly(&text))]).await;
    story.asks_each("@builder stop", &[("builder", Answer::With("stop".to_owned()))]).await;
    story.ends_well().await;
    story.bridge_stops().await;
}
