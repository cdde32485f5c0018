//! Every endpoint does what it says.

use crate::support::{World, ask, world};
use serde_json::{Value, json};

async fn open(world: &World, token: &str, subject: &str) -> Value {
    let body = json!({"subject": subject, "body": "Where is my parcel?"});
    let answer = ask("POST", "/api/tickets").by(token).json(&body).of(&world.app).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()
}

#[tokio::test]
async fn a_ticket_is_opened_read_changed_and_deleted() {
    let world = world().await;
    let body = json!({
        "subject": "Where is it?", "body": "My parcel is late.", "priority": "high", "tags": ["vip"],
        "category": "shipping", "language": "en", "fields": {"order": "A-1"}
    });
    let opened = ask("POST", "/api/tickets").by("ours-customer").json(&body).of(&world.app).await;
    assert_eq!(opened.status, 201, "{}", opened.text);
    let ticket = opened.json();
    let path = format!("/api/tickets/{}", ticket["id"].as_str().unwrap());
    assert_eq!(opened.header("location"), path);
    assert_eq!(opened.header("etag"), "\"1\"");
    assert_eq!(opened.header("cache-control"), "private, no-store");
    assert_eq!((&ticket["number"], &ticket["priority"]), (&json!(2), &json!("high")));
    assert_eq!(ticket["fields"], json!({"order": "A-1"}));

    let read = ask("GET", &path).by("ours-customer").of(&world.app).await;
    assert_eq!((read.status.as_u16(), read.json()), (200, ticket));

    let change = json!({"subject": "It came", "status": "resolved", "fields": {"risk": "low"}});
    let changed = ask("PUT", &path).by("ours-admin").json(&change).of(&world.app).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(changed.header("etag"), "\"2\"");
    assert_eq!(changed.json()["status"]["category"], "resolved");

    let deleted = ask("DELETE", &path).by("ours-admin").of(&world.app).await;
    assert_eq!((deleted.status.as_u16(), deleted.text.as_str()), (204, ""));
    ask("GET", &path).by("ours-admin").of(&world.app).await.is_problem(404, "not_found");
}

#[tokio::test]
async fn customers_do_not_see_what_is_staffs() {
    let world = world().await;
    let path = format!("/api/tickets/{}", world.ours.ticket);
    let change = json!({"tags": ["churn-risk"], "fields": {"order": "A-2", "risk": "high"}});
    let staff = ask("PUT", &path).by("ours-admin").json(&change).of(&world.app).await.json();
    assert_eq!(staff["staff"]["tags"], json!(["churn-risk"]));
    assert_eq!(staff["fields"], json!({"order": "A-2", "risk": "high"}));
    let note = json!({"ticket_id": world.ours.ticket, "body": "beware of them", "internal": true});
    let noted = ask("POST", "/api/conversations").by("ours-agent").json(&note).of(&world.app).await;
    assert_eq!((noted.status.as_u16(), noted.json()["internal"].clone()), (201, json!(true)));

    let seen = ask("GET", &path).by("ours-customer").of(&world.app).await;
    assert!(seen.json().get("staff").is_none());
    assert_eq!(seen.json()["fields"], json!({"order": "A-2"}));
    assert!(!seen.text.contains("churn-risk"));
    let talk = format!("/api/conversations/{}", world.ours.ticket);
    let heard = ask("GET", &talk).by("ours-customer").of(&world.app).await;
    assert!(!heard.text.contains("beware") && !heard.text.contains("sequence"), "{}", heard.text);
    let read = ask("GET", &talk).by("ours-agent").of(&world.app).await;
    assert!(read.text.contains("beware") && read.text.contains("sequence"));
    let found = ask("GET", "/api/tickets/search?q=beware&notes=true");
    assert_eq!(found.by("ours-customer").of(&world.app).await.json()["hits"], json!([]));
    let found = ask("GET", "/api/tickets/search?q=beware&notes=true");
    assert_eq!(found.by("ours-agent").of(&world.app).await.json()["hits"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_conversation_goes_back_and_forth() {
    let world = world().await;
    let answer = json!({"ticket_id": world.ours.ticket, "body": "It is on its way."});
    let written = ask("POST", "/api/conversations").by("ours-agent").json(&answer).of(&world.app).await;
    assert_eq!(written.status, 201, "{}", written.text);
    assert_eq!(written.json()["author"]["kind"], "agent");
    let talk = format!("/api/conversations/{}?limit=200", world.ours.ticket);
    let heard = ask("GET", talk).by("ours-customer").of(&world.app).await.json();
    let messages = heard["messages"].as_array().unwrap();
    assert_eq!(messages.first().unwrap()["author"]["kind"], "customer");
    assert_eq!(messages.last().unwrap()["body"], "It is on its way.");
    assert!(heard.get("next").is_none());
}

#[tokio::test]
async fn lists_are_filtered_ordered_and_paged() {
    let world = world().await;
    for number in 0..5 {
        open(&world, "ours-customer", &format!("Parcel {number}")).await;
    }
    let mut seen = Vec::new();
    let mut path = "/api/tickets?limit=2&order=oldest&status=new,open".to_owned();
    loop {
        let page = ask("GET", &path).by("ours-agent").of(&world.app).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let json = page.json();
        seen.extend(
            json["tickets"].as_array().unwrap().iter().map(|ticket| ticket["number"].as_u64().unwrap()),
        );
        let link = page.header("link");
        match json.get("next") {
            None => {
                assert_eq!(link, "");
                break;
            }
            Some(next) => {
                let (target, relation) = link.split_once('>').unwrap();
                assert_eq!(relation, "; rel=\"next\"");
                assert!(target.ends_with(&format!("cursor={}", next.as_str().unwrap())), "{link}");
                path = target.trim_start_matches('<').to_owned();
            }
        }
    }
    assert_eq!(seen, [1, 2, 3, 4, 5, 6]);
    let none = ask("GET", "/api/tickets?status=closed").by("ours-agent").of(&world.app).await;
    assert_eq!(none.json()["tickets"], json!([]));
    let found = ask("GET", "/api/tickets/search?q=parcel%203").by("ours-agent").of(&world.app).await.json();
    assert_eq!(found["hits"][0]["ticket"]["subject"], "Parcel 3");
}

#[tokio::test]
async fn routing_is_explained_to_staff() {
    let world = world().await;
    let path = format!("/api/tickets/{}/routing", world.ours.ticket);
    let told = ask("GET", &path).by("ours-agent").of(&world.app).await;
    assert_eq!(told.status, 200, "{}", told.text);
    assert_eq!(told.json()["candidates"][0]["agent"], world.ours.agent.user().unwrap().to_string());
    ask("GET", &path).by("ours-customer").of(&world.app).await.is_problem(403, "denied");
}

#[tokio::test]
async fn the_assistant_analyses_and_suggests_with_sources() {
    let world = world().await;
    for body in
        [json!({"text": "My parcel did not arrive, it is late"}), json!({"ticket_id": world.ours.ticket})]
    {
        let told = ask("POST", "/api/ai/analyze").by("ours-agent").json(&body).of(&world.app).await;
        assert_eq!(told.status, 200, "{}", told.text);
        assert_eq!(told.json()["category"]["value"], "shipping", "{}", told.text);
    }
    let question = json!({"text": "Within how many working days does a parcel arrive?"});
    let told = ask("POST", "/api/ai/suggest").by("ours-customer").json(&question).of(&world.app).await;
    let suggestion = told.json();
    assert_eq!(suggestion["sources"][0]["slug"], "parcels", "{suggestion}");
    assert!(suggestion["text"].as_str().unwrap().contains("five working days"), "{suggestion}");
    assert_eq!(suggestion["articles"][0]["title"], "Parcels");
    let question = json!({"text": "Which colour has the moon of Jupiter called Europa?"});
    let told = ask("POST", "/api/ai/suggest").by("ours-customer").json(&question).of(&world.app).await.json();
    assert!(told["abstention"].is_string() && told["text"] == "", "{told}");
}

#[tokio::test]
async fn health_is_open_and_tells_strangers_nothing() {
    let world = world().await;
    for (path, status) in [("/health", "ok"), ("/ready", "ready"), ("/ai/health", "ok")] {
        let told = ask("GET", path).of(&world.app).await;
        assert_eq!((told.status.as_u16(), told.json()), (200, json!({"status": status})), "{path}");
    }
    let ready = ask("GET", "/ready").by("ours-admin").of(&world.app).await.json();
    assert_eq!(ready["queue"]["dead"], 0);
    assert!(ask("GET", "/ready").by("ours-agent").of(&world.app).await.json().get("queue").is_none());
    let health = ask("GET", "/ai/health").by("ours-agent").of(&world.app).await.json();
    assert_eq!((&health["index"]["lag"], &health["adapters"]["answers"]), (&json!(0), &json!("extractive")));
    let health = ask("GET", "/ai/health").by("ours-customer").of(&world.app).await.json();
    assert_eq!(health, json!({"status": "ok"}));
    let described = ask("GET", "/openapi.json").of(&world.app).await;
    assert_eq!((described.status.as_u16(), described.header("content-type")), (200, "application/json"));
}

#[tokio::test]
async fn the_index_lag_is_told() {
    let world = world().await;
    open(&world, "ours-customer", "One more").await;
    let health = ask("GET", "/ai/health").by("ours-agent").of(&world.app).await.json();
    assert!(health["index"]["lag"].as_u64().unwrap() > 0, "{health}");
}
