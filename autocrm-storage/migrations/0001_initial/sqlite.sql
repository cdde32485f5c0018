-- Ids are 16 bytes, times are microseconds since 1970 in UTC, enums are the small numbers of `column.rs`.
-- Every table names its tenant. What is filtered or ordered by has a column; the rest of a row is one JSON text.

CREATE TABLE autocrm_tenant (
    tenant BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    support_address TEXT UNIQUE,
    document TEXT NOT NULL
) WITHOUT ROWID;

-- The last ticket number and event position given. Written once per batch.
CREATE TABLE autocrm_counter (
    tenant BLOB NOT NULL PRIMARY KEY,
    number INTEGER NOT NULL,
    position INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE autocrm_scheme (
    tenant BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    document TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE autocrm_user (
    tenant BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    email TEXT,
    external_id TEXT,
    role INTEGER NOT NULL,
    active INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX autocrm_user_email ON autocrm_user (tenant, email) WHERE email IS NOT NULL;
CREATE UNIQUE INDEX autocrm_user_external ON autocrm_user (tenant, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX autocrm_user_role ON autocrm_user (tenant, role, id);

CREATE TABLE autocrm_team (
    tenant BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, name)
);

CREATE TABLE autocrm_ticket (
    row INTEGER NOT NULL PRIMARY KEY,
    tenant BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    number INTEGER NOT NULL,
    subject TEXT NOT NULL,
    status INTEGER NOT NULL,
    status_key TEXT NOT NULL,
    priority INTEGER NOT NULL,
    category TEXT,
    category_source INTEGER,
    channel INTEGER NOT NULL,
    requester BLOB NOT NULL,
    team BLOB,
    assignee BLOB,
    pending_until INTEGER,
    messages INTEGER NOT NULL,
    first_response_at INTEGER,
    resolved_at INTEGER,
    closed_at INTEGER,
    deleted_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    rest TEXT NOT NULL
);
CREATE UNIQUE INDEX autocrm_ticket_id ON autocrm_ticket (tenant, id);
CREATE UNIQUE INDEX autocrm_ticket_number ON autocrm_ticket (tenant, number);
-- The lists. Hidden tickets are in none of them.
CREATE INDEX autocrm_ticket_updated ON autocrm_ticket (tenant, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX autocrm_ticket_queue ON autocrm_ticket (tenant, status, priority DESC, id) WHERE deleted_at IS NULL;
CREATE INDEX autocrm_ticket_team ON autocrm_ticket (tenant, team, id) WHERE deleted_at IS NULL;
CREATE INDEX autocrm_ticket_team_queue ON autocrm_ticket (tenant, team, status, priority DESC, id) WHERE deleted_at IS NULL;
CREATE INDEX autocrm_ticket_assignee ON autocrm_ticket (tenant, assignee, status, id) WHERE deleted_at IS NULL;
CREATE INDEX autocrm_ticket_status_key ON autocrm_ticket (tenant, status_key, id) WHERE deleted_at IS NULL;
CREATE INDEX autocrm_ticket_channel ON autocrm_ticket (tenant, channel, id) WHERE deleted_at IS NULL;
CREATE INDEX autocrm_ticket_category ON autocrm_ticket (tenant, category, id) WHERE deleted_at IS NULL AND category IS NOT NULL;
CREATE INDEX autocrm_ticket_learned ON autocrm_ticket (tenant, id) WHERE deleted_at IS NULL AND category_source = 1;

-- Who is involved in a ticket: its requester and its participants.
CREATE TABLE autocrm_participant (
    tenant BLOB NOT NULL,
    user BLOB NOT NULL,
    ticket BLOB NOT NULL,
    PRIMARY KEY (tenant, user, ticket)
) WITHOUT ROWID;

CREATE TABLE autocrm_ticket_tag (
    tenant BLOB NOT NULL,
    tag TEXT NOT NULL,
    ticket BLOB NOT NULL,
    PRIMARY KEY (tenant, tag, ticket)
) WITHOUT ROWID;

CREATE TABLE autocrm_routing (
    tenant BLOB NOT NULL,
    ticket BLOB NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (tenant, ticket)
);

CREATE TABLE autocrm_message (
    row INTEGER NOT NULL PRIMARY KEY,
    tenant BLOB NOT NULL,
    id BLOB NOT NULL,
    ticket BLOB NOT NULL,
    version INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    audience INTEGER NOT NULL,
    kind TEXT NOT NULL,
    author INTEGER NOT NULL,
    author_user BLOB,
    body TEXT NOT NULL,
    reply_at INTEGER,
    trimmed_at INTEGER,
    language TEXT,
    attachments TEXT,
    held INTEGER NOT NULL,
    mail BLOB,
    sent_at INTEGER,
    created_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX autocrm_message_id ON autocrm_message (tenant, id);
CREATE INDEX autocrm_message_sequence ON autocrm_message (tenant, ticket, sequence, id);

-- The words of subject and message: in `open` for everybody who sees the ticket, in `inner` for staff.
CREATE VIRTUAL TABLE autocrm_search USING fts5 (
    tenant, open, inner,
    content = '', contentless_delete = 1, detail = full,
    tokenize = 'unicode61 remove_diacritics 2'
);
-- Each batch of commits adds a segment. Merging eight of them at a time instead of four rewrites each entry half as often,
-- and a search looks into some more segments for it.
INSERT INTO autocrm_search (autocrm_search, rank) VALUES ('automerge', 8);

CREATE TABLE autocrm_template (
    tenant BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    team BLOB,
    document TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE TABLE autocrm_article (
    tenant BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    slug TEXT NOT NULL,
    state INTEGER NOT NULL,
    visibility INTEGER NOT NULL,
    category TEXT,
    language TEXT,
    document TEXT NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, slug)
);

CREATE TABLE autocrm_revision (
    tenant BLOB NOT NULL,
    article BLOB NOT NULL,
    number INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (tenant, article, number)
);

CREATE TABLE autocrm_chunk (
    tenant BLOB NOT NULL,
    id BLOB NOT NULL,
    article BLOB NOT NULL,
    ordinal INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX autocrm_chunk_article ON autocrm_chunk (tenant, article, ordinal);

CREATE TABLE autocrm_feedback (
    tenant BLOB NOT NULL,
    id BLOB NOT NULL,
    target_kind INTEGER NOT NULL,
    target BLOB NOT NULL,
    user BLOB NOT NULL,
    helpful INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, target_kind, target, user)
);

CREATE TABLE autocrm_inbound (
    tenant BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    recipient TEXT NOT NULL,
    raw BLOB NOT NULL,
    provider_id TEXT,
    ticket BLOB,
    document TEXT NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, raw, recipient)
);
CREATE UNIQUE INDEX autocrm_inbound_provider ON autocrm_inbound (tenant, provider_id) WHERE provider_id IS NOT NULL;
CREATE INDEX autocrm_inbound_ticket ON autocrm_inbound (tenant, ticket) WHERE ticket IS NOT NULL;

CREATE TABLE autocrm_outbound (
    tenant BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    ticket BLOB NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX autocrm_outbound_ticket ON autocrm_outbound (tenant, ticket);

-- What is remembered of an address that is written to.
CREATE TABLE autocrm_correspondent (
    tenant BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    address TEXT NOT NULL,
    suppressed INTEGER NOT NULL,
    acknowledged_at INTEGER,
    document TEXT NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, address)
);
CREATE INDEX autocrm_correspondent_suppressed ON autocrm_correspondent (tenant, id) WHERE suppressed = 1;
CREATE INDEX autocrm_correspondent_acknowledged ON autocrm_correspondent (tenant, acknowledged_at)
    WHERE acknowledged_at IS NOT NULL;

CREATE TABLE autocrm_mail_ref (
    tenant BLOB NOT NULL,
    message_id TEXT NOT NULL,
    message BLOB NOT NULL,
    ticket BLOB NOT NULL,
    user BLOB NOT NULL,
    outbound BLOB,
    PRIMARY KEY (tenant, message_id, message)
) WITHOUT ROWID;
CREATE INDEX autocrm_mail_ref_ticket ON autocrm_mail_ref (tenant, ticket, message, message_id);

-- Raw mails of at most 64 KiB; larger ones lie in the blob store.
CREATE TABLE autocrm_raw (
    tenant BLOB NOT NULL,
    hash BLOB NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (tenant, hash)
);

CREATE TABLE autocrm_notification (
    tenant BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    recipient BLOB NOT NULL,
    ticket BLOB NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX autocrm_notification_recipient ON autocrm_notification (tenant, recipient, id);
CREATE INDEX autocrm_notification_ticket ON autocrm_notification (tenant, ticket);

-- The event log. `event` is NULL once its ticket was erased. Rows are appended: SQLite does that faster to a table with
-- row numbers than to one that is its own index.
CREATE TABLE autocrm_event (
    row INTEGER NOT NULL PRIMARY KEY,
    tenant BLOB NOT NULL,
    position INTEGER NOT NULL,
    id BLOB NOT NULL,
    at INTEGER NOT NULL,
    actor INTEGER NOT NULL,
    actor_user BLOB,
    subject INTEGER NOT NULL,
    subject_id BLOB,
    version INTEGER NOT NULL,
    ticket BLOB,
    audience INTEGER NOT NULL,
    event TEXT
);
CREATE UNIQUE INDEX autocrm_event_position ON autocrm_event (tenant, position);
CREATE INDEX autocrm_event_ticket ON autocrm_event (tenant, ticket, position) WHERE ticket IS NOT NULL;

-- Jobs that are not done: 0 ready, 1 leased, 2 dead.
CREATE TABLE autocrm_job (
    row INTEGER NOT NULL PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    tenant BLOB NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    key BLOB,
    state INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    token INTEGER NOT NULL,
    run_at INTEGER NOT NULL,
    first_due INTEGER NOT NULL,
    lease_until INTEGER,
    last_error TEXT,
    created_at INTEGER NOT NULL
);
CREATE INDEX autocrm_job_due ON autocrm_job (run_at, id) WHERE state = 0;
CREATE INDEX autocrm_job_lease ON autocrm_job (lease_until) WHERE state = 1;
CREATE INDEX autocrm_job_dead ON autocrm_job (tenant, id) WHERE state = 2;
CREATE INDEX autocrm_job_key ON autocrm_job (tenant, key, first_due, id) WHERE key IS NOT NULL AND state < 2;

CREATE TABLE autocrm_idempotency (
    row INTEGER NOT NULL PRIMARY KEY,
    tenant BLOB NOT NULL,
    principal TEXT NOT NULL,
    key TEXT NOT NULL,
    request BLOB NOT NULL,
    receipt TEXT NOT NULL,
    at INTEGER NOT NULL
);
-- Keys before principals: callers who count or date their keys write to the end of the index rather than all over it.
CREATE UNIQUE INDEX autocrm_idempotency_key ON autocrm_idempotency (tenant, key, principal);
