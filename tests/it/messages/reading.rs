//! Messages as they are read: in pages, in one order, with receipts.

use std::collections::BTreeSet;

use serde_json::json;

use super::{all, contents, events_after, id, kinds, page, posts};
use crate::support::TestHub;

#[tokio::test]
async fn two_hundred_messages_come_in_pages_both_ways_while_new_ones_arrive() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let ada = &acme.admin;
    let channel = ada.general().await;
    let mut said = Vec::new();
    for number in 0..200 {
        said.push(ada.says(&channel, &number.to_string()).await);
    }
    let path = posts(ada, &channel);
    let (mut back, mut next) = page(ada, &format!("{path}?limit=37")).await;
    while let Some(cursor) = next {
        ada.says(&channel, "new").await;
        let (data, further) = page(ada, &format!("{path}?limit=37&before={cursor}")).await;
        back.extend(data);
        next = further;
    }
    back.reverse();
    assert_eq!(back, said, "nothing twice, nothing left out");

    let (mut forth, mut cursor) = (vec![said[0].clone()], Some(id(&said[0]).to_owned()));
    while let Some(after) = cursor {
        let (data, further) = page(ada, &format!("{path}?limit=37&after={after}")).await;
        forth.extend(data);
        cursor = further;
    }
    assert_eq!(forth[..200], said);
    assert_eq!(contents(&forth[200..]), ["new"; 5]);
    let newest = id(forth.last().unwrap()).to_owned();
    assert_eq!(page(ada, &format!("{path}?after={newest}")).await, (Vec::new(), None));
    assert_eq!(page(ada, &format!("{path}?before={}", id(&said[0]))).await, (Vec::new(), None));
    assert_eq!(page(ada, &path).await.0.len(), 50, "the default");
    assert_eq!(ada.get(&format!("{path}?before={newest}&after={newest}")).await.fields(), ["after"]);
    assert_eq!(ada.get(&format!("{path}?before={}", ada.id)).await.fields(), ["before"]);
}

#[tokio::test]
async fn twenty_who_speak_at_once_are_heard_in_one_order() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let bob = hub.person(&acme, "bob", "contributor").await;
    let channel = bob.general().await;
    let (mut one, mut other) = (bob.listens("", None).await, acme.admin.listens("", None).await);
    let speakers = (0..20).map(|number| {
        let (actor, channel) = (if number % 2 == 0 { &bob } else { &acme.admin }, &channel);
        async move {
            for turn in 0..3 {
                actor.says(channel, &format!("{number} {turn}")).await;
            }
        }
    });
    futures_util::future::join_all(speakers).await;

    let listed = all(&bob, &channel).await;
    let listed = contents(&listed);
    assert_eq!(listed.iter().collect::<BTreeSet<_>>().len(), 60);
    for stream in [&mut one, &mut other] {
        let (mut heard, mut sequence) = (Vec::new(), 0);
        while heard.len() < 60 {
            let event = stream.event("message.created").await;
            assert!(event["sequence_id"].as_i64().unwrap() > sequence);
            sequence = event["sequence_id"].as_i64().unwrap();
            heard.push(event["payload"]["message"]["content"].as_str().unwrap().to_owned());
        }
        assert_eq!(heard, listed);
    }
    for number in 0..20 {
        let own: Vec<_> = listed.iter().filter(|text| text.starts_with(&format!("{number} "))).collect();
        assert_eq!(
            own,
            [&format!("{number} 0"), &format!("{number} 1"), &format!("{number} 2")],
            "each in their own order"
        );
    }
}

#[tokio::test]
async fn a_receipt_is_ones_own_and_only_goes_forward() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let (one, two) = (hub.agent(&acme, "one").await, hub.agent(&acme, "two").await);
    let channel = acme.admin.general().await;
    let said = acme.admin.says(&channel, "@one @two").await;
    let path = format!("{}/{}/receipt", posts(&one, &channel), id(&said));
    let before = acme.admin.events().await.len();
    for (who, state, detail) in [
        (&one, "delivered", None),
        (&two, "working", Some("reading")),
        (&one, "working", None),
        (&one, "delivered", None),
        (&two, "working", Some("still reading")),
        (&one, "answered", Some(" ")),
        (&one, "failed", Some("too late")),
        (&two, "failed", Some("no model")),
    ] {
        who.put(&path, json!({"state": state, "detail": detail})).await.expect_status(204);
    }
    let message = all(&acme.admin, &channel).await.remove(0);
    let states: BTreeSet<_> = message["receipts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|receipt| {
            (
                receipt["user_id"].as_str().unwrap(),
                receipt["state"].as_str().unwrap(),
                receipt["detail"].as_str(),
            )
        })
        .collect();
    assert_eq!(
        states,
        BTreeSet::from([(one.id.as_str(), "answered", None), (two.id.as_str(), "failed", Some("no model"))])
    );
    let events = events_after(&acme.admin, before).await;
    assert_eq!(kinds(&events), ["message.receipt"; 5], "what changes nothing is no event");
    assert_eq!(events[1]["payload"]["receipt"]["detail"], "reading");
    assert!(!json!(events).to_string().contains("@one"), "a receipt does not repeat the message");
    let long = json!({"state": "failed", "detail": "x".repeat(2_001)});
    assert_eq!(one.put(&path, long).await.fields(), ["detail"]);
    let other = json!({"state": "failed", "user_id": two.id});
    assert_eq!(one.put(&path, other).await.fields(), ["user_id"]);
}
