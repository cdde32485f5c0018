//! Repetitions, versions and cursors.

use crate::support::{ask, world};
use serde_json::json;

#[tokio::test]
async fn a_repeated_request_changes_nothing_and_is_answered_alike() {
    let world = world().await;
    let body = json!({"subject": "Once", "body": "please"});
    let send = |body: &serde_json::Value| {
        ask("POST", "/api/tickets").by("ours-customer").header("idempotency-key", "k-1").json(body)
    };
    let first = send(&body).of(&world.app).await;
    assert_eq!((first.status.as_u16(), first.header("idempotency-replayed")), (201, ""));
    let again = send(&body).of(&world.app).await;
    assert_eq!((again.status.as_u16(), again.header("idempotency-replayed")), (201, "true"));
    assert_eq!(first.text, again.text);
    let other = json!({"subject": "Once", "body": "pleasE"});
    send(&other).of(&world.app).await.is_problem(422, "idempotency_key_reused");
    // The key belongs to the user: somebody else's is another request.
    let theirs =
        ask("POST", "/api/tickets").by("theirs-customer").header("idempotency-key", "k-1").json(&other);
    assert_eq!(theirs.of(&world.app).await.status, 201);
    let list = ask("GET", "/api/tickets").by("ours-customer").of(&world.app).await.json();
    assert_eq!(list["tickets"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn changes_messages_and_deletions_are_repeatable_too() {
    let world = world().await;
    let path = format!("/api/tickets/{}", world.ours.ticket);
    let version = ask("GET", &path).by("ours-admin").of(&world.app).await.header("etag").to_owned();
    let put = || {
        let change = json!({"priority": "urgent"});
        ask("PUT", &path)
            .by("ours-admin")
            .header("idempotency-key", "k")
            .header("if-match", &version)
            .json(&change)
    };
    let first = put().of(&world.app).await;
    assert_eq!(first.status, 200, "{}", first.text);
    let again = put().of(&world.app).await;
    // The version has moved on, and yet the repetition is no conflict.
    assert_eq!(
        (again.status.as_u16(), again.header("idempotency-replayed")),
        (200, "true"),
        "{}",
        again.text
    );
    assert_eq!(first.text, again.text);

    let message = || {
        let body = json!({"ticket_id": world.ours.ticket, "body": "hello"});
        ask("POST", "/api/conversations").by("ours-agent").header("idempotency-key", "m").json(&body)
    };
    let (one, two) = (message().of(&world.app).await, message().of(&world.app).await);
    assert_eq!((one.json(), two.header("idempotency-replayed")), (two.json(), "true"));

    let delete = || ask("DELETE", &path).by("ours-admin").header("idempotency-key", "d");
    assert_eq!(delete().of(&world.app).await.status, 204);
    let again = delete().of(&world.app).await;
    assert_eq!((again.status.as_u16(), again.header("idempotency-replayed")), (204, "true"));
    ask("DELETE", &path).by("ours-admin").of(&world.app).await.is_problem(404, "not_found");
}

#[tokio::test]
async fn a_key_is_one_line_of_at_most_200_characters() {
    let world = world().await;
    for key in ["", "   ", &"k".repeat(201)] {
        let body = json!({"subject": "s", "body": "b"});
        let asked =
            ask("POST", "/api/tickets").by("ours-customer").header("idempotency-key", key).json(&body);
        asked.of(&world.app).await.is_problem(400, "idempotency_key_invalid");
    }
    let body = json!({"subject": "s", "body": "b"});
    let twice = ask("POST", "/api/tickets").by("ours-customer").header("idempotency-key", "a");
    let asked = twice.header("idempotency-key", "b").json(&body);
    asked.of(&world.app).await.is_problem(400, "invalid_header");
}

#[tokio::test]
async fn a_lost_update_is_refused() {
    let world = world().await;
    let path = format!("/api/tickets/{}", world.ours.ticket);
    let version = ask("GET", &path).by("ours-agent").of(&world.app).await.header("etag").to_owned();
    let put = |tag: &str, priority: &str| {
        ask("PUT", &path).by("ours-agent").header("if-match", tag).json(&json!({"priority": priority}))
    };
    assert_eq!(put(&version, "high").of(&world.app).await.status, 200);
    put(&version, "low").of(&world.app).await.is_problem(412, "ticket_stale");
    put("\"never\"", "low").of(&world.app).await.is_problem(412, "ticket_stale");
    put("seven", "low").of(&world.app).await.is_problem(400, "invalid_header");
    put("W/\"1\"", "low").of(&world.app).await.is_problem(400, "invalid_header");
    assert_eq!(put("*", "low").of(&world.app).await.status, 200);
    let delete = ask("DELETE", &path).by("ours-admin").header("if-match", &version);
    delete.of(&world.app).await.is_problem(412, "ticket_stale");
    let body = json!({"ticket_id": world.ours.ticket, "body": "late"});
    let reply = ask("POST", "/api/conversations").by("ours-agent").header("if-match", version).json(&body);
    reply.of(&world.app).await.is_problem(412, "ticket_stale");
}

#[tokio::test]
async fn a_known_version_is_not_sent_again() {
    let world = world().await;
    let path = format!("/api/tickets/{}", world.ours.ticket);
    let tag = ask("GET", &path).by("ours-agent").of(&world.app).await.header("etag").to_owned();
    for known in [tag.clone(), format!("W/{tag}"), format!("\"0\", {tag}"), "*".to_owned()] {
        let told = ask("GET", &path).by("ours-agent").header("if-none-match", &known).of(&world.app).await;
        assert_eq!(
            (told.status.as_u16(), told.text.as_str(), told.header("etag")),
            (304, "", &*tag),
            "{known}"
        );
    }
    let told = ask("GET", &path).by("ours-agent").header("if-none-match", "\"0\"").of(&world.app).await;
    assert_eq!(told.status, 200);
}

#[tokio::test]
async fn a_cursor_works_for_its_list_filter_and_user_only() {
    let world = world().await;
    for number in 0..3 {
        let body = json!({"subject": format!("parcel {number}"), "body": "b"});
        for token in ["ours-customer", "theirs-customer"] {
            ask("POST", "/api/tickets").by(token).json(&body).of(&world.app).await;
        }
    }
    let first = ask("GET", "/api/tickets?limit=1").by("ours-agent").of(&world.app).await.json();
    let cursor = first["next"].as_str().unwrap();
    let next = format!("/api/tickets?limit=2&cursor={cursor}");
    assert_eq!(ask("GET", &next).by("ours-agent").of(&world.app).await.status, 200);

    // Another user, another tenant, another filter, another list.
    for (token, path) in [
        ("ours-admin", next.clone()),
        ("theirs-agent", next.clone()),
        ("ours-agent", format!("{next}&status=new")),
        ("ours-agent", format!("{next}&order=queue")),
        ("ours-agent", format!("/api/tickets/search?q=parcel&cursor={cursor}")),
        ("ours-agent", format!("/api/conversations/{}?cursor={cursor}", world.ours.ticket)),
    ] {
        ask("GET", &path).by(token).of(&world.app).await.is_problem(400, "bad_cursor");
    }
    // Every single character counts.
    for at in 0..cursor.len() {
        let mut forged = cursor.as_bytes().to_vec();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        let path = format!("/api/tickets?limit=1&cursor={forged}");
        ask("GET", path).by("ours-agent").of(&world.app).await.is_problem(400, "bad_cursor");
    }
    for forged in ["", "x", "%00", "AAAA"] {
        let path = format!("/api/tickets?cursor={forged}");
        ask("GET", path).by("ours-agent").of(&world.app).await.is_problem(400, "bad_cursor");
    }
}
