//! A Resend that keeps to a script.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use autocrm_core::text::EmailAddress;
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, header::HeaderValue};
use serde_json::{Value, json};

use super::http::{Answered, Asked, Server, json as answer};

/// The key that the scripted Resend knows.
pub const TEST_KEY: &str = "re_test_key";

/// What goes wrong, as shares of all requests. The same seed gives the same order of fates.
#[derive(Debug, Clone, Copy, Default)]
pub struct ResendScript {
    /// The seed.
    pub seed: u64,
    /// How many requests are carried out, after which the connection is dropped without an answer, in percent.
    pub dropped: u8,
    /// How many requests are answered 409, 429 or 500, in percent. Every second 500 was carried out all the same.
    pub refused: u8,
}

/// How one request ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answered,
    Dropped,
    Concurrent,
    TooFast,
    Failed { carried_out: bool },
}

#[derive(Debug)]
struct State {
    script: ResendScript,
    random: u64,
    /// Body and ids by idempotency key.
    keys: BTreeMap<String, (Vec<u8>, Vec<String>)>,
    deliveries: Vec<(String, Value)>,
    reused: usize,
    requests: usize,
    refused: BTreeSet<String>,
    /// Mails that came in, in order: id, envelope recipients, raw bytes.
    held: Vec<(String, Vec<String>, Vec<u8>)>,
    /// How many raw mails were fetched.
    fetched: usize,
}

impl State {
    /// A small generator (xorshift64*), good enough for a script.
    fn roll(&mut self, below: u64) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        (self.random.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % below
    }

    fn fate(&mut self) -> Fate {
        let (dropped, refused) = (u64::from(self.script.dropped), u64::from(self.script.refused));
        match self.roll(100) {
            roll if roll < dropped => Fate::Dropped,
            roll if roll < dropped + refused => match self.roll(3) {
                0 => Fate::Concurrent,
                1 => Fate::TooFast,
                _ => Fate::Failed { carried_out: self.roll(2) == 0 },
            },
            _ => Fate::Answered,
        }
    }

    fn take(&mut self, key: &str, body: &[u8]) -> Result<Vec<String>, (u16, &'static str)> {
        let parsed: Value = serde_json::from_slice(body).map_err(|_| (400, "validation_error"))?;
        let mails = parsed.as_array().cloned().unwrap_or_else(|| vec![parsed]);
        let named = |mail: &Value, field: &str| -> Vec<String> {
            let list = mail[field].as_array().cloned().unwrap_or_default();
            list.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect()
        };
        for mail in &mails {
            let recipients: Vec<String> =
                ["to", "cc", "bcc"].iter().flat_map(|field| named(mail, field)).collect();
            let refused = recipients.iter().any(|recipient| self.refused.contains(recipient));
            if refused || recipients.is_empty() || recipients.len() > 50 || !mail["from"].is_string() {
                return Err((422, "validation_error"));
            }
        }
        if let Some((known, ids)) = self.keys.get(key) {
            if known == body {
                return Ok(ids.clone());
            }
            self.reused += 1;
            return Err((409, "invalid_idempotent_request"));
        }
        let first = self.deliveries.len();
        let ids: Vec<String> = (first..first + mails.len()).map(|number| format!("re-{number:08}")).collect();
        self.deliveries.extend(ids.iter().cloned().zip(mails));
        self.keys.insert(key.to_owned(), (body.to_vec(), ids.clone()));
        Ok(ids)
    }
}

/// A Resend that keeps to a script, on a free port of this machine.
pub struct ScriptedResend {
    server: Server,
    state: Arc<Mutex<State>>,
}

impl fmt::Debug for ScriptedResend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedResend").field("address", &self.server.address).finish_non_exhaustive()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ScriptedResend {
    /// Starts it.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn start(script: ResendScript) -> io::Result<Self> {
        let state = Arc::new(Mutex::new(State {
            script,
            random: script.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            keys: BTreeMap::new(),
            deliveries: Vec::new(),
            reused: 0,
            requests: 0,
            refused: BTreeSet::new(),
            held: Vec::new(),
            fetched: 0,
        }));
        let shared = Arc::clone(&state);
        let server = Server::start(move |asked| {
            let reply = reply(&mut lock(&shared), &asked);
            async move { reply }
        })
        .await?;
        Ok(Self { server, state })
    }

    /// Returns its base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// Refuses mails to an address for good from now on.
    pub fn refuse(&self, recipient: &EmailAddress) {
        lock(&self.state).refused.insert(recipient.as_str().to_owned());
    }

    /// Replaces the script from the next request on.
    pub fn follow(&self, script: ResendScript) {
        lock(&self.state).script = script;
    }

    /// Returns every delivered mail as it was asked for, with its id, in order.
    pub fn deliveries(&self) -> Vec<(String, Value)> {
        lock(&self.state).deliveries.clone()
    }

    /// Returns how many mails were delivered under an idempotency key.
    pub fn delivered_under(&self, key: &str) -> usize {
        lock(&self.state).keys.get(key).map_or(0, |(_, ids)| ids.len())
    }

    /// Returns how many keys were used.
    pub fn keys(&self) -> usize {
        lock(&self.state).keys.len()
    }

    /// Returns how often a key came back with another body.
    pub fn reused_keys(&self) -> usize {
        lock(&self.state).reused
    }

    /// Holds a mail that came in, for whoever fetches it; returns its id.
    pub fn hold(&self, recipients: &[&str], raw: &[u8]) -> String {
        let mut state = lock(&self.state);
        let id = format!("in-{:08}", state.held.len());
        let recipients = recipients.iter().map(|recipient| (*recipient).to_owned()).collect();
        state.held.push((id.clone(), recipients, raw.to_vec()));
        id
    }

    /// Returns how many raw mails were fetched.
    pub fn fetched(&self) -> usize {
        lock(&self.state).fetched
    }

    /// Returns how many requests came.
    pub fn requests(&self) -> usize {
        lock(&self.state).requests
    }
}

/// Answers what is asked about mails that came in; `None`: something else is asked.
fn receiving(state: &mut State, asked: &Asked) -> Option<Response<Full<Bytes>>> {
    let path = asked.uri().path();
    let query = asked.uri().query().unwrap_or_default();
    let host = asked.headers().get("host")?.to_str().ok()?.to_owned();
    let show = |(id, recipients, raw): &(String, Vec<String>, Vec<u8>)| {
        json!({
            "object": "email", "id": id, "to": ["whoever@example.org"], "received_for": recipients,
            "raw": { "download_url": format!("http://{host}/raw/{id}"), "size": raw.len() },
        })
    };
    if path == "/emails/receiving" {
        let after = query.split('&').find_map(|pair| pair.strip_prefix("after="));
        let newest_first: Vec<&(String, Vec<String>, Vec<u8>)> = state.held.iter().rev().collect();
        let begin = after.map_or(0, |id| newest_first.iter().take_while(|mail| mail.0 != id).count() + 1);
        let page: Vec<Value> = newest_first.iter().skip(begin).take(3).map(|mail| show(mail)).collect();
        let has_more = begin + page.len() < newest_first.len();
        return Some(answer(
            200,
            json!({ "object": "list", "has_more": has_more, "data": page }).to_string(),
        ));
    }
    let id = path.strip_prefix("/emails/receiving/").or_else(|| path.strip_prefix("/raw/"))?;
    let found = state.held.iter().find(|mail| mail.0 == id).cloned();
    let Some(mail) = found else { return Some(answer(404, json!({ "name": "not_found" }).to_string())) };
    if path.starts_with("/raw/") {
        state.fetched += 1;
        return Some(Response::new(Full::new(Bytes::from(mail.2))));
    }
    Some(answer(200, show(&mail).to_string()))
}

fn reply(state: &mut State, asked: &Asked) -> Answered {
    state.requests += 1;
    if asked.method() == "GET" && asked.uri().path().starts_with("/raw/") {
        return receiving(state, asked);
    }
    let refusal = |status: u16, name: &str| {
        let text = json!({ "statusCode": status, "name": name, "message": "as the script says" });
        Some(answer(status, text.to_string()))
    };
    let header = |name: &str| asked.headers().get(name).and_then(|value| value.to_str().ok());
    if header("authorization") != Some(&format!("Bearer {TEST_KEY}")) {
        return refusal(401, "restricted_api_key");
    }
    if asked.method() == "GET" {
        return receiving(state, asked).or_else(|| refusal(404, "not_found"));
    }
    let is_batch = match (asked.method().as_str(), asked.uri().path()) {
        ("POST", "/emails") => false,
        ("POST", "/emails/batch") => true,
        _ => return refusal(404, "not_found"),
    };
    let Some(key) = header("idempotency-key").filter(|key| (1..=256).contains(&key.len())) else {
        return refusal(400, "invalid_idempotency_key");
    };
    let fate = state.fate();
    match fate {
        Fate::Concurrent => return refusal(409, "concurrent_idempotent_requests"),
        Fate::TooFast => {
            let mut told = refusal(429, "rate_limit_exceeded");
            if let Some(response) = &mut told {
                response.headers_mut().insert("retry-after", HeaderValue::from_static("1"));
            }
            return told;
        }
        Fate::Failed { carried_out: false } => return refusal(500, "application_error"),
        Fate::Answered | Fate::Dropped | Fate::Failed { .. } => {}
    }
    let taken = state.take(key, asked.body());
    match (fate, taken) {
        (Fate::Dropped, _) => None,
        (Fate::Failed { .. }, _) => refusal(500, "application_error"),
        (_, Err((status, name))) => refusal(status, name),
        (_, Ok(ids)) => {
            let ids: Vec<Value> = ids.into_iter().map(|id| json!({ "id": id })).collect();
            let told =
                if is_batch { json!({ "data": ids }) } else { ids.first().cloned().unwrap_or_default() };
            Some(answer(200, told.to_string()))
        }
    }
}
