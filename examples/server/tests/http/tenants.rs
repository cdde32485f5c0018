//! Another tenant's ids are answered exactly like ids that do not exist, by every endpoint.

use crate::support::{Ask, CANARY, World, ask, world};
use autocrm_core::{
    clock::{Clock as _, SystemClock},
    id::{IdSource as _, RandomIds},
};
use serde_json::{Value, json};

/// Every way to name a ticket, with `ID` in its place.
fn requests(id: &str) -> Vec<Ask> {
    let body = |value: Value| value.to_string().into_bytes();
    let json = "application/json";
    vec![
        ask("GET", format!("/api/tickets/{id}")),
        ask("PUT", format!("/api/tickets/{id}")).raw(json, body(json!({"subject": "mine"}))),
        ask("PUT", format!("/api/tickets/{id}"))
            .header("if-match", "\"1\"")
            .raw(json, body(json!({"status": "closed"}))),
        ask("DELETE", format!("/api/tickets/{id}")),
        ask("DELETE", format!("/api/tickets/{id}")).header("if-match", "\"1\""),
        ask("DELETE", format!("/api/tickets/{id}")).header("idempotency-key", "key"),
        ask("GET", format!("/api/tickets/{id}/routing")),
        ask("GET", format!("/api/conversations/{id}")),
        ask("POST", "/api/conversations").raw(json, body(json!({"ticket_id": id, "body": "mine"}))),
        ask("POST", "/api/conversations")
            .raw(json, body(json!({"ticket_id": id, "body": "mine", "internal": true}))),
        ask("POST", "/api/ai/analyze").raw(json, body(json!({"ticket_id": id}))),
        ask("POST", "/api/ai/suggest").raw(json, body(json!({"ticket_id": id}))),
    ]
}

async fn answers(world: &World, token: &str, id: &str) -> Vec<(u16, String)> {
    let mut answers = Vec::new();
    for request in requests(id) {
        let told = request.by(token).of(&world.app).await;
        answers.push((told.status.as_u16(), told.text));
    }
    answers
}

#[tokio::test]
async fn foreign_ids_are_answered_like_unknown_ones() {
    let world = world().await;
    let foreign = world.theirs.ticket.to_string();
    let unknown = RandomIds.uuid(SystemClock.now()).to_string();
    let before = ask("GET", format!("/api/tickets/{foreign}")).by("theirs-admin").of(&world.app).await.text;
    for token in ["ours-admin", "ours-agent", "ours-customer"] {
        let about_foreign = answers(&world, token, &foreign).await;
        assert_eq!(about_foreign, answers(&world, token, &unknown).await, "{token}");
        for (status, text) in about_foreign {
            assert_eq!(status, 404, "{token}: {text}");
            assert!(!text.contains(CANARY) && !text.contains(&foreign), "{token}: {text}");
        }
    }
    let after = ask("GET", format!("/api/tickets/{foreign}")).by("theirs-admin").of(&world.app).await.text;
    assert_eq!(before, after);
}

#[tokio::test]
async fn foreign_ids_in_bodies_are_answered_like_unknown_ones() {
    let world = world().await;
    let unknown = RandomIds.uuid(SystemClock.now());
    let path = format!("/api/tickets/{}", world.ours.ticket);
    let (ticket, user) = (world.theirs.ticket.as_uuid(), world.theirs.customer.user().unwrap().as_uuid());
    for (field, foreign) in [("parent", json!(ticket)), ("participants", json!([user]))] {
        let unknown = if foreign.is_array() { json!([unknown]) } else { json!(unknown) };
        let (mut one, mut other) = (json!({}), json!({}));
        (one[field], other[field]) = (foreign, unknown);
        let told = ask("PUT", &path).by("ours-admin").json(&one).of(&world.app).await;
        let known = ask("PUT", &path).by("ours-admin").json(&other).of(&world.app).await;
        assert!(told.status.is_client_error(), "{field}: {}", told.text);
        assert_eq!((told.status, told.text), (known.status, known.text), "{field}");
    }
}

#[tokio::test]
async fn no_list_search_or_suggestion_shows_another_tenant() {
    let world = world().await;
    let question = json!({"text": format!("Where is {CANARY}?")});
    for token in ["ours-admin", "ours-agent", "ours-customer"] {
        for request in [
            ask("GET", "/api/tickets?limit=200"),
            ask("GET", format!("/api/tickets?requester={}", world.theirs.customer.user().unwrap())),
            ask("GET", format!("/api/tickets/search?q={CANARY}&notes=true")),
            ask("POST", "/api/ai/suggest").json(&question),
            ask("POST", "/api/ai/analyze").json(&question),
        ] {
            let told = request.by(token).of(&world.app).await;
            assert_eq!(told.status, 200, "{token}: {}", told.text);
            assert!(!told.text.contains(CANARY), "{token}: {}", told.text);
        }
    }
    // The words are there to be found, by those who may.
    let found = ask("GET", format!("/api/tickets/search?q={CANARY}")).by("theirs-agent").of(&world.app).await;
    assert!(found.text.contains(CANARY), "{}", found.text);
    let told = ask("POST", "/api/ai/suggest").by("theirs-customer").json(&question).of(&world.app).await;
    assert!(told.text.contains(CANARY), "{}", told.text);
}

#[tokio::test]
async fn a_customer_does_not_see_another_customers_ticket() {
    let world = world().await;
    let opened = ask("POST", "/api/tickets").by("ours-agent");
    let name = autocrm_core::text::Name::new("Somebody else").unwrap();
    let new = autocrm_core::user::NewUser::customer(name);
    let other = world.crm.admin().create_user(&world.ours.admin, &new).await.unwrap().id;
    let body = json!({"subject": "private matter", "body": "b", "requester": other});
    let opened = opened.json(&body).of(&world.app).await;
    assert_eq!(opened.status, 201, "{}", opened.text);
    let id = opened.json()["id"].as_str().unwrap().to_owned();
    for (status, text) in answers(&world, "ours-customer", &id).await {
        assert_eq!(status, 404, "{text}");
    }
    let list = ask("GET", "/api/tickets").by("ours-customer").of(&world.app).await;
    assert!(!list.text.contains("private matter"));
}
