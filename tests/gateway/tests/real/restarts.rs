//! The real Gateway stops and dies, and so does the bridge in front of it.

use gateway_tests::check::Answer;
use gateway_tests::{Gateway, STEPS, Story, real};

use crate::cases::{asked, exactly, times_asked, unique};

/// A story that has begun: its session is there, and one message is answered.
async fn begun(gateway: &Gateway) -> Story {
    let mut story = Story::of_one(gateway.clone()).await;
    story.connects().await;
    let before = story.asks("SAY:before", exactly("before")).await;
    story.answered(&before).await;
    story
}

#[tokio::test]
async fn the_bridge_dies_at_every_step_before_a_real_gateway() {
    let (gateway, _guard) = real::shared().await;
    for step in STEPS {
        let mut story = Story::of_one(gateway.clone()).await;
        story.starts_to_die_at(step);
        story.is_connected().await;
        let word = unique(step);
        story.asks(&format!("SAY:{word}"), exactly(&word)).await;
        story.bridge_dies().await;
        story.asks("SAY:after", exactly("after")).await;
        story.connects().await;
        story.ends_well().await;
        assert_eq!(times_asked(&gateway, &format!("SAY:{word}")), 1, "{step}");
        story.bridge_stops().await;
    }
}

#[tokio::test]
async fn the_gateway_is_killed_while_the_model_speaks_and_while_messages_wait() {
    let (gateway, _guard) = real::alone().await;
    // In three channels at once: one restart takes half a minute.
    let (speaking, waiting, mut fresh) =
        (begun(&gateway).await, begun(&gateway).await, Story::of_one(gateway.clone()).await);
    fresh.connects().await;
    let word = unique("speaking");
    speaking.asks(&format!("{word} SLOW:40:250"), Answer::Text).await;
    asked(&gateway, &word).await;
    speaking.asks("SAY:later", exactly("later")).await;
    // Acknowledged or not, with a row or not: whatever the moment finds.
    waiting.asks("SAY:waiting", exactly("waiting")).await;
    fresh.asks("SAY:fresh", exactly("fresh")).await;
    gateway.kill().await;
    waiting.asks("SAY:while away", exactly("while away")).await;
    gateway.start().await;
    for story in [speaking, waiting, fresh] {
        story.ends_well().await;
        story.bridge_stops_with_it().await;
    }
    assert_eq!(times_asked(&gateway, "SLOW:40:250"), 1, "the bridge sends nothing again");
}

#[tokio::test]
async fn the_gateway_is_stopped_while_the_model_speaks() {
    let (gateway, _guard) = real::alone().await;
    let story = begun(&gateway).await;
    let word = unique("speaking");
    let whole: Vec<String> = (1..=12).map(|number| format!("chunk-{number}")).collect();
    story.asks(&format!("{word} SLOW:12:250"), Answer::Exactly(whole.join(" "))).await;
    asked(&gateway, &word).await;
    story.asks("SAY:meanwhile", exactly("meanwhile")).await;
    gateway.stop().await;
    story.asks("SAY:after", exactly("after")).await;
    gateway.start().await;
    story.ends_well().await;
    story.bridge_stops_with_it().await;
}
