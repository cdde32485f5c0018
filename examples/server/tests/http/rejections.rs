//! Whatever is wrong with a request is told as a problem with a stable code.

use crate::support::{ask, world};
use serde_json::json;

const ENDPOINTS: &[(&str, &str)] = &[
    ("GET", "/api/tickets"),
    ("POST", "/api/tickets"),
    ("GET", "/api/tickets/search?q=x"),
    ("GET", "/api/tickets/ID"),
    ("PUT", "/api/tickets/ID"),
    ("DELETE", "/api/tickets/ID"),
    ("GET", "/api/tickets/ID/routing"),
    ("POST", "/api/conversations"),
    ("GET", "/api/conversations/ID"),
    ("POST", "/api/ai/analyze"),
    ("POST", "/api/ai/suggest"),
];

#[tokio::test]
async fn nothing_is_open_without_a_good_token() {
    let world = world().await;
    for (method, path) in ENDPOINTS {
        let path = path.replace("ID", &world.ours.ticket.to_string());
        for authorization in [
            None,
            Some(""),
            Some("Bearer"),
            Some("Bearer "),
            Some("Bearer wrong"),
            Some("Basic b3Vycy1hZG1pbg=="),
        ] {
            let mut asked = ask(method, &path).raw("application/json", "{}");
            if let Some(value) = authorization {
                asked = asked.header("authorization", value);
            }
            let told = asked.of(&world.app).await;
            told.is_problem(401, "unauthenticated");
            assert!(told.header("www-authenticate").starts_with("Bearer"), "{method} {path}");
        }
        let twice = ask(method, &path).by("ours-admin").by("ours-admin").of(&world.app).await;
        twice.is_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn the_token_of_a_deactivated_user_is_worth_nothing() {
    let world = world().await;
    let change = autocrm_core::user::UserChange { active: Some(false), ..Default::default() };
    let agent = world.ours.agent.user().unwrap();
    world.crm.admin().change_user(&world.ours.admin, agent, &change).await.unwrap();
    ask("GET", "/api/tickets").by("ours-agent").of(&world.app).await.is_problem(401, "unauthenticated");
}

#[tokio::test]
async fn unknown_fields_and_malformed_bodies_are_refused() {
    let world = world().await;
    let ticket = world.ours.ticket;
    for (method, path, good) in [
        ("POST", "/api/tickets".to_owned(), json!({"subject": "s", "body": "b"})),
        ("PUT", format!("/api/tickets/{ticket}"), json!({"subject": "s"})),
        ("POST", "/api/conversations".to_owned(), json!({"ticket_id": ticket, "body": "b"})),
        ("POST", "/api/ai/analyze".to_owned(), json!({"text": "t"})),
        ("POST", "/api/ai/suggest".to_owned(), json!({"text": "t"})),
    ] {
        let send =
            |kind: &str, body: String| ask(method, &path).by("ours-customer").raw(kind, body).of(&world.app);
        let fine = send("application/json; charset=utf-8", good.to_string()).await;
        assert!(fine.status.is_success(), "{method} {path}: {}", fine.text);
        let mut more = good.clone();
        more["tenant"] = json!("another");
        send("application/json", more.to_string()).await.is_problem(400, "invalid_body");
        send("application/json", "{\"".to_owned()).await.is_problem(400, "malformed_json");
        send("application/json", String::new()).await.is_problem(400, "malformed_json");
        assert_eq!(send("application/json", "[".repeat(100_000)).await.status, 400);
        send("application/json", "7".to_owned()).await.is_problem(400, "invalid_body");
        send("text/plain", good.to_string()).await.is_problem(415, "unsupported_media_type");
        let large = format!("{{\"body\": \"{}\"}}", "x".repeat(autocrm_server::MAX_BODY));
        send("application/json", large).await.is_problem(413, "body_too_large");
    }
}

#[tokio::test]
async fn queries_are_checked() {
    let world = world().await;
    for query in
        ["limit=0", "limit=201", "limit=x", "limit=-1", "colour=red", "requester=x", "limit=1&limit=2"]
    {
        let told = ask("GET", format!("/api/tickets?{query}")).by("ours-agent").of(&world.app).await;
        told.is_problem(400, "invalid_query");
    }
    for query in ["status=gone", "priority=9", "order=random", "team=x", "category=%20"] {
        let told = ask("GET", format!("/api/tickets?{query}")).by("ours-agent").of(&world.app).await;
        assert_eq!(told.status, 422, "{query}: {}", told.text);
    }
    ask("GET", "/api/tickets/search").by("ours-agent").of(&world.app).await.is_problem(400, "invalid_query");
    let long = format!("/api/tickets/search?q={}", "x".repeat(501));
    ask("GET", long).by("ours-agent").of(&world.app).await.is_problem(422, "text_too_long");
}

#[tokio::test]
async fn refusals_have_their_status_and_code() {
    let world = world().await;
    let path = format!("/api/tickets/{}", world.ours.ticket);
    let put = |token: &str, body: serde_json::Value| ask("PUT", &path).by(token).json(&body).of(&world.app);
    put("ours-agent", json!({"status": "closed"})).await;
    put("ours-agent", json!({"status": "new"})).await.is_problem(409, "ticket_illegal_move");
    put("ours-agent", json!({"status": "gone"})).await.is_problem(422, "ticket_unknown_status");
    put("ours-agent", json!({"category": "gone"})).await.is_problem(422, "ticket_unknown_category");
    put("ours-agent", json!({"fields": {"gone": 1}})).await.is_problem(422, "ticket_unknown_field");
    put("ours-agent", json!({"fields": {"order": 1}})).await.is_problem(422, "ticket_wrong_field_value");
    put("ours-agent", json!({"subject": "x".repeat(256)})).await.is_problem(422, "text_too_long");
    put("ours-agent", json!({"subject": " "})).await.is_problem(422, "text_empty");
    put("ours-customer", json!({"priority": "urgent"})).await.is_problem(403, "ticket_staff_only");
    put("ours-customer", json!({"fields": {"risk": "x"}})).await.is_problem(422, "ticket_unknown_field");
    ask("DELETE", &path).by("ours-agent").of(&world.app).await.is_problem(403, "denied");

    let post = |token: &str, body: serde_json::Value| {
        ask("POST", "/api/tickets").by(token).json(&body).of(&world.app)
    };
    post("ours-agent", json!({"subject": "s", "body": "b"}))
        .await
        .is_problem(422, "ticket_unknown_requester");
    let foreign = world.theirs.customer.user().unwrap();
    let body = json!({"subject": "s", "body": "b", "requester": foreign});
    post("ours-agent", body.clone()).await.is_problem(422, "ticket_unknown_requester");
    post("ours-customer", body).await.is_problem(403, "denied");
    post("ours-customer", json!({"subject": "s", "body": " \n"})).await.is_problem(422, "message_blank");

    let note = json!({"ticket_id": world.ours.ticket, "body": "b", "internal": true});
    let told = ask("POST", "/api/conversations").by("ours-customer").json(&note).of(&world.app).await;
    told.is_problem(403, "denied");
    for body in [json!({}), json!({"text": "t", "ticket_id": world.ours.ticket})] {
        let told = ask("POST", "/api/ai/suggest").by("ours-agent").json(&body).of(&world.app).await;
        told.is_problem(400, "invalid_body");
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let world = world().await;
    for path in ["/", "/api", "/api/tickets/", "/api/nothing", "/api/tickets/not-an-id/routing"] {
        ask("GET", path).by("ours-admin").of(&world.app).await.is_problem(404, "not_found");
    }
    ask("GET", "/api/tickets/not-an-id").by("ours-admin").of(&world.app).await.is_problem(404, "not_found");
    for (method, path) in [("PATCH", "/api/tickets"), ("POST", "/health"), ("DELETE", "/api/conversations")] {
        let told = ask(method, path).by("ours-admin").of(&world.app).await;
        told.is_problem(405, "method_not_allowed");
        assert!(!told.header("allow").is_empty(), "{method} {path}");
    }
}
