-- Ids are UUIDs, times are microseconds since 1970 in UTC, enums are the small numbers of `column.rs`. Every table names
-- its tenant. What is filtered or ordered by has a column; the rest of a row is one JSON text.
--
-- Row-level security is a second wall behind the library's own filters. A transaction says for whom it reads in the
-- settings autocrm.tenant, autocrm.kind (customer, agent, system, worker), autocrm.actor and autocrm.teams.

CREATE FUNCTION autocrm.tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('autocrm.tenant', true), '')::uuid $$;
CREATE FUNCTION autocrm.actor() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('autocrm.actor', true), '')::uuid $$;
CREATE FUNCTION autocrm.teams() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('autocrm.teams', true), ''), '{}')::uuid[] $$;
CREATE FUNCTION autocrm.is_system() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(current_setting('autocrm.kind', true), '') = 'system' $$;
CREATE FUNCTION autocrm.is_staff() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(current_setting('autocrm.kind', true), '') IN ('agent', 'system') $$;
CREATE FUNCTION autocrm.is_worker() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(current_setting('autocrm.kind', true), '') = 'worker' $$;
CREATE FUNCTION autocrm.is_agent() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(current_setting('autocrm.kind', true), '') = 'agent' $$;
CREATE FUNCTION autocrm.is_customer() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(current_setting('autocrm.kind', true), '') = 'customer' $$;
-- What is searched for. It is part of the policy of the role that searches, because PostgreSQL uses no full-text index for
-- a condition that stands behind a policy.
CREATE FUNCTION autocrm.query() RETURNS tsquery LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('autocrm.query', true), '')::tsquery $$;

-- The least id of a commit at or after an instant of UTC: a UUIDv7 begins with the milliseconds of its making.
CREATE FUNCTION autocrm.first_id(instant timestamp) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT (lpad(to_hex((extract(epoch FROM instant) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid $$;

CREATE TABLE autocrm.autocrm_tenant (
    tenant uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    support_address text,
    document text NOT NULL
);

-- Which tenants there are, and the address that leads to each: what is looked up before a tenant is known.
CREATE TABLE autocrm.autocrm_directory (
    tenant uuid NOT NULL PRIMARY KEY,
    support_address text UNIQUE
);

-- The last ticket number given.
CREATE TABLE autocrm.autocrm_counter (
    tenant uuid NOT NULL PRIMARY KEY,
    number bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE autocrm.autocrm_scheme (
    tenant uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    document text NOT NULL
);

CREATE TABLE autocrm.autocrm_user (
    tenant uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    email text,
    external_id text,
    role bigint NOT NULL,
    active bigint NOT NULL,
    document text NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX autocrm_user_email ON autocrm.autocrm_user (tenant, email) WHERE email IS NOT NULL;
CREATE UNIQUE INDEX autocrm_user_external ON autocrm.autocrm_user (tenant, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX autocrm_user_role ON autocrm.autocrm_user (tenant, role, id);

CREATE TABLE autocrm.autocrm_team (
    tenant uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text NOT NULL,
    document text NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, name)
);

CREATE TABLE autocrm.autocrm_ticket (
    tenant uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    number bigint NOT NULL,
    subject text NOT NULL,
    status bigint NOT NULL,
    status_key text NOT NULL,
    priority bigint NOT NULL,
    category text,
    category_source bigint,
    channel bigint NOT NULL,
    requester uuid NOT NULL,
    team uuid,
    assignee uuid,
    pending_until bigint,
    messages bigint NOT NULL,
    first_response_at bigint,
    resolved_at bigint,
    closed_at bigint,
    deleted_at bigint,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    rest text NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX autocrm_ticket_number ON autocrm.autocrm_ticket (tenant, number);
-- The lists. Hidden tickets are in none of them.
CREATE INDEX autocrm_ticket_updated ON autocrm.autocrm_ticket (tenant, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX autocrm_ticket_queue ON autocrm.autocrm_ticket (tenant, status, priority DESC, id) WHERE deleted_at IS NULL;
CREATE INDEX autocrm_ticket_team ON autocrm.autocrm_ticket (tenant, team, id) WHERE deleted_at IS NULL;
CREATE INDEX autocrm_ticket_team_queue ON autocrm.autocrm_ticket (tenant, team, status, priority DESC, id) WHERE deleted_at IS NULL;
CREATE INDEX autocrm_ticket_assignee ON autocrm.autocrm_ticket (tenant, assignee, status, id) WHERE deleted_at IS NULL;
CREATE INDEX autocrm_ticket_status_key ON autocrm.autocrm_ticket (tenant, status_key, id) WHERE deleted_at IS NULL;
CREATE INDEX autocrm_ticket_channel ON autocrm.autocrm_ticket (tenant, channel, id) WHERE deleted_at IS NULL;
CREATE INDEX autocrm_ticket_category ON autocrm.autocrm_ticket (tenant, category, id) WHERE deleted_at IS NULL AND category IS NOT NULL;
CREATE INDEX autocrm_ticket_learned ON autocrm.autocrm_ticket (tenant, id) WHERE deleted_at IS NULL AND category_source = 1;

-- Who is involved in a ticket: its requester and its participants.
CREATE TABLE autocrm.autocrm_participant (
    tenant uuid NOT NULL,
    "user" uuid NOT NULL,
    ticket uuid NOT NULL,
    PRIMARY KEY (tenant, "user", ticket)
);
CREATE INDEX autocrm_participant_ticket ON autocrm.autocrm_participant (tenant, ticket);

CREATE TABLE autocrm.autocrm_ticket_tag (
    tenant uuid NOT NULL,
    tag text NOT NULL,
    ticket uuid NOT NULL,
    PRIMARY KEY (tenant, tag, ticket)
);
CREATE INDEX autocrm_ticket_tag_ticket ON autocrm.autocrm_ticket_tag (tenant, ticket);

CREATE TABLE autocrm.autocrm_routing (
    tenant uuid NOT NULL,
    ticket uuid NOT NULL,
    document text NOT NULL,
    PRIMARY KEY (tenant, ticket)
);

-- One partition per month of the commit, which an id begins with; never of a mail's own date.
CREATE TABLE autocrm.autocrm_message (
    tenant uuid NOT NULL,
    id uuid NOT NULL,
    ticket uuid NOT NULL,
    version bigint NOT NULL,
    sequence bigint NOT NULL,
    audience bigint NOT NULL,
    kind text NOT NULL,
    author bigint NOT NULL,
    author_user uuid,
    body text NOT NULL,
    reply_at bigint,
    trimmed_at bigint,
    language text,
    attachments text,
    held bigint NOT NULL,
    mail uuid,
    sent_at bigint,
    created_at bigint NOT NULL,
    PRIMARY KEY (tenant, id)
) PARTITION BY RANGE (id);
CREATE INDEX autocrm_message_sequence ON autocrm.autocrm_message (tenant, ticket, sequence, id);
CREATE TABLE autocrm.autocrm_message_default PARTITION OF autocrm.autocrm_message DEFAULT;

-- Makes the partition of a month unless there is one, and moves to it what lies in the default partition.
CREATE FUNCTION autocrm.make_month(month timestamp) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text := 'autocrm_message_' || to_char(month, 'YYYYMM');
    low uuid := autocrm.first_id(month);
    high uuid := autocrm.first_id(month + interval '1 month');
BEGIN
    IF to_regclass('autocrm.' || name) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE autocrm.%I (LIKE autocrm.autocrm_message INCLUDING ALL)', name);
    EXECUTE format('WITH moved AS (DELETE FROM autocrm.autocrm_message_default WHERE id >= %L AND id < %L RETURNING *)
                    INSERT INTO autocrm.%I SELECT * FROM moved', low, high, name);
    EXECUTE format('ALTER TABLE autocrm.autocrm_message ATTACH PARTITION autocrm.%I FOR VALUES FROM (%L) TO (%L)',
                   name, low, high);
    EXECUTE format('ALTER TABLE autocrm.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE autocrm.%I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('REVOKE ALL ON autocrm.%I FROM PUBLIC', name);
END
$$;
REVOKE ALL ON FUNCTION autocrm.make_month(timestamp) FROM PUBLIC;

-- The words of a ticket's subject and of one of its messages, each message's month together with it.
CREATE TABLE autocrm.autocrm_search (
    tenant uuid NOT NULL,
    message uuid NOT NULL,
    ticket uuid NOT NULL,
    audience bigint NOT NULL,
    words tsvector NOT NULL,
    PRIMARY KEY (tenant, message)
);
CREATE INDEX autocrm_search_ticket ON autocrm.autocrm_search (tenant, ticket);
CREATE INDEX autocrm_search_words ON autocrm.autocrm_search USING gin (words);

CREATE TABLE autocrm.autocrm_template (
    tenant uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    team uuid,
    document text NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE TABLE autocrm.autocrm_article (
    tenant uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    slug text NOT NULL,
    state bigint NOT NULL,
    visibility bigint NOT NULL,
    category text,
    language text,
    document text NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, slug)
);

CREATE TABLE autocrm.autocrm_revision (
    tenant uuid NOT NULL,
    article uuid NOT NULL,
    number bigint NOT NULL,
    document text NOT NULL,
    PRIMARY KEY (tenant, article, number)
);

CREATE TABLE autocrm.autocrm_chunk (
    tenant uuid NOT NULL,
    id uuid NOT NULL,
    article uuid NOT NULL,
    ordinal bigint NOT NULL,
    document text NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX autocrm_chunk_article ON autocrm.autocrm_chunk (tenant, article, ordinal);

CREATE TABLE autocrm.autocrm_feedback (
    tenant uuid NOT NULL,
    id uuid NOT NULL,
    target_kind bigint NOT NULL,
    target uuid NOT NULL,
    "user" uuid NOT NULL,
    helpful bigint NOT NULL,
    document text NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, target_kind, target, "user")
);

CREATE TABLE autocrm.autocrm_inbound (
    tenant uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    recipient text NOT NULL,
    raw bytea NOT NULL,
    provider_id text,
    ticket uuid,
    document text NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, raw, recipient)
);
CREATE UNIQUE INDEX autocrm_inbound_provider ON autocrm.autocrm_inbound (tenant, provider_id) WHERE provider_id IS NOT NULL;
CREATE INDEX autocrm_inbound_ticket ON autocrm.autocrm_inbound (tenant, ticket) WHERE ticket IS NOT NULL;

CREATE TABLE autocrm.autocrm_outbound (
    tenant uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    ticket uuid NOT NULL,
    document text NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX autocrm_outbound_ticket ON autocrm.autocrm_outbound (tenant, ticket);

-- What is remembered of an address that is written to.
CREATE TABLE autocrm.autocrm_correspondent (
    tenant uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    address text NOT NULL,
    suppressed bigint NOT NULL,
    acknowledged_at bigint,
    document text NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, address)
);
CREATE INDEX autocrm_correspondent_suppressed ON autocrm.autocrm_correspondent (tenant, id) WHERE suppressed = 1;
CREATE INDEX autocrm_correspondent_acknowledged ON autocrm.autocrm_correspondent (tenant, acknowledged_at)
    WHERE acknowledged_at IS NOT NULL;

CREATE TABLE autocrm.autocrm_mail_ref (
    tenant uuid NOT NULL,
    message_id text NOT NULL,
    message uuid NOT NULL,
    ticket uuid NOT NULL,
    "user" uuid NOT NULL,
    outbound uuid,
    PRIMARY KEY (tenant, message_id, message)
);
CREATE INDEX autocrm_mail_ref_ticket ON autocrm.autocrm_mail_ref (tenant, ticket, message, message_id);

-- Raw mails of at most 64 KiB; larger ones lie in the blob store.
CREATE TABLE autocrm.autocrm_raw (
    tenant uuid NOT NULL,
    hash bytea NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (tenant, hash)
);

CREATE TABLE autocrm.autocrm_notification (
    tenant uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    recipient uuid NOT NULL,
    ticket uuid NOT NULL,
    document text NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX autocrm_notification_recipient ON autocrm.autocrm_notification (tenant, recipient, id);
CREATE INDEX autocrm_notification_ticket ON autocrm.autocrm_notification (tenant, ticket);

-- The event log. `event` is NULL once its ticket was erased.
CREATE TABLE autocrm.autocrm_event (
    tenant uuid NOT NULL,
    id uuid NOT NULL,
    at bigint NOT NULL,
    actor bigint NOT NULL,
    actor_user uuid,
    subject bigint NOT NULL,
    subject_id uuid,
    version bigint NOT NULL,
    ticket uuid,
    audience bigint NOT NULL,
    event text,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX autocrm_event_ticket ON autocrm.autocrm_event (tenant, ticket) WHERE ticket IS NOT NULL;

-- The order of the events. `arrival` grows with each statement that writes some, and `place` within it, so that what is
-- written at once stays together; `position` is given after their commit, by one sealer at a time, so that no reader of
-- the feed passes over an event that commits late.
CREATE SEQUENCE autocrm.autocrm_arrival;
CREATE TABLE autocrm.autocrm_event_order (
    tenant uuid NOT NULL,
    event uuid NOT NULL,
    arrival bigint NOT NULL,
    place bigint NOT NULL,
    position bigint,
    PRIMARY KEY (tenant, event)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX autocrm_event_order_position ON autocrm.autocrm_event_order (tenant, position) WHERE position IS NOT NULL;
CREATE INDEX autocrm_event_order_unsealed ON autocrm.autocrm_event_order (tenant, arrival, place) WHERE position IS NULL;

-- Jobs that are not done: 0 ready, 1 leased, 2 dead.
CREATE TABLE autocrm.autocrm_job (
    id uuid NOT NULL PRIMARY KEY,
    tenant uuid NOT NULL,
    kind text NOT NULL,
    payload text NOT NULL,
    key uuid,
    state bigint NOT NULL,
    attempts bigint NOT NULL,
    max_attempts bigint NOT NULL,
    token bigint NOT NULL,
    run_at bigint NOT NULL,
    first_due bigint NOT NULL,
    lease_until bigint,
    last_error text,
    created_at bigint NOT NULL
);
CREATE INDEX autocrm_job_due ON autocrm.autocrm_job (run_at, id) WHERE state = 0;
CREATE INDEX autocrm_job_lease ON autocrm.autocrm_job (lease_until) WHERE state = 1;
CREATE INDEX autocrm_job_dead ON autocrm.autocrm_job (tenant, id) WHERE state = 2;
CREATE INDEX autocrm_job_tenant ON autocrm.autocrm_job (tenant, state);
CREATE INDEX autocrm_job_key ON autocrm.autocrm_job (tenant, key, first_due, id) WHERE key IS NOT NULL AND state < 2;

CREATE TABLE autocrm.autocrm_idempotency (
    tenant uuid NOT NULL,
    principal text NOT NULL,
    key text NOT NULL,
    request bytea NOT NULL,
    receipt text NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (tenant, key, principal)
);
CREATE INDEX autocrm_idempotency_at ON autocrm.autocrm_idempotency (tenant, at);

-- Who sees what: the rule of `access::policy` once more.

CREATE POLICY tenant ON autocrm.autocrm_tenant USING (tenant = (SELECT autocrm.tenant()));
CREATE POLICY tenant ON autocrm.autocrm_directory USING (tenant = (SELECT autocrm.tenant()));
CREATE POLICY tenant ON autocrm.autocrm_counter
    USING (tenant = (SELECT autocrm.tenant()) AND (SELECT autocrm.is_system()));
CREATE POLICY tenant ON autocrm.autocrm_scheme USING (tenant = (SELECT autocrm.tenant()));
CREATE POLICY tenant ON autocrm.autocrm_user
    USING (tenant = (SELECT autocrm.tenant()) AND ((SELECT autocrm.is_staff()) OR id = (SELECT autocrm.actor())));
CREATE POLICY tenant ON autocrm.autocrm_team
    USING (tenant = (SELECT autocrm.tenant()) AND (SELECT autocrm.is_staff()));
CREATE POLICY tenant ON autocrm.autocrm_participant USING (tenant = (SELECT autocrm.tenant()));
CREATE POLICY tenant ON autocrm.autocrm_ticket USING (
    tenant = (SELECT autocrm.tenant()) AND (
        (SELECT autocrm.is_system())
        OR ((SELECT autocrm.is_agent()) AND (team IS NULL OR team = ANY ((SELECT autocrm.teams())::uuid[])))
        OR ((SELECT autocrm.is_customer()) AND (
            requester = (SELECT autocrm.actor())
            OR EXISTS (SELECT 1 FROM autocrm.autocrm_participant p WHERE p.tenant = autocrm_ticket.tenant
                       AND p."user" = (SELECT autocrm.actor()) AND p.ticket = autocrm_ticket.id)
        ))
    )
);
CREATE POLICY tenant ON autocrm.autocrm_ticket_tag
    USING (tenant = (SELECT autocrm.tenant()) AND (SELECT autocrm.is_staff()));
CREATE POLICY tenant ON autocrm.autocrm_routing USING (
    tenant = (SELECT autocrm.tenant()) AND ((SELECT autocrm.is_system()) OR ((SELECT autocrm.is_agent()) AND EXISTS (
        SELECT 1 FROM autocrm.autocrm_ticket t WHERE t.tenant = autocrm_routing.tenant AND t.id = autocrm_routing.ticket)))
);
CREATE POLICY tenant ON autocrm.autocrm_message USING (
    tenant = (SELECT autocrm.tenant()) AND ((SELECT autocrm.is_system()) OR (
        (audience = 0 OR (SELECT autocrm.is_agent())) AND EXISTS (
            SELECT 1 FROM autocrm.autocrm_ticket t WHERE t.tenant = autocrm_message.tenant AND t.id = autocrm_message.ticket)
    ))
);
CREATE POLICY tenant ON autocrm.autocrm_search TO autocrm_runtime
    USING (tenant = (SELECT autocrm.tenant()) AND (SELECT autocrm.is_system()));
CREATE POLICY search ON autocrm.autocrm_search FOR SELECT TO autocrm_search USING (
    tenant = (SELECT autocrm.tenant()) AND words @@ (SELECT autocrm.query())
    AND (audience = 0 OR (SELECT autocrm.is_staff()))
    AND ((SELECT autocrm.is_system()) OR EXISTS (
        SELECT 1 FROM autocrm.autocrm_ticket t WHERE t.tenant = autocrm_search.tenant AND t.id = autocrm_search.ticket))
);
CREATE POLICY tenant ON autocrm.autocrm_template USING (
    tenant = (SELECT autocrm.tenant()) AND ((SELECT autocrm.is_system())
        OR ((SELECT autocrm.is_agent()) AND (team IS NULL OR team = ANY ((SELECT autocrm.teams())::uuid[]))))
);
CREATE POLICY tenant ON autocrm.autocrm_article
    USING (tenant = (SELECT autocrm.tenant()) AND ((SELECT autocrm.is_staff()) OR ((SELECT autocrm.is_customer()) AND state = 1 AND visibility <> 2)));
CREATE POLICY tenant ON autocrm.autocrm_revision
    USING (tenant = (SELECT autocrm.tenant()) AND (SELECT autocrm.is_staff()));
CREATE POLICY tenant ON autocrm.autocrm_chunk USING (
    tenant = (SELECT autocrm.tenant()) AND ((SELECT autocrm.is_staff()) OR EXISTS (
        SELECT 1 FROM autocrm.autocrm_article a WHERE a.tenant = autocrm_chunk.tenant AND a.id = autocrm_chunk.article))
);
CREATE POLICY tenant ON autocrm.autocrm_feedback
    USING (tenant = (SELECT autocrm.tenant()) AND ((SELECT autocrm.is_staff()) OR "user" = (SELECT autocrm.actor())));
CREATE POLICY tenant ON autocrm.autocrm_inbound
    USING (tenant = (SELECT autocrm.tenant()) AND (SELECT autocrm.is_system()));
CREATE POLICY tenant ON autocrm.autocrm_outbound
    USING (tenant = (SELECT autocrm.tenant()) AND (SELECT autocrm.is_system()));
CREATE POLICY tenant ON autocrm.autocrm_correspondent
    USING (tenant = (SELECT autocrm.tenant()) AND (SELECT autocrm.is_system()));
CREATE POLICY tenant ON autocrm.autocrm_mail_ref
    USING (tenant = (SELECT autocrm.tenant()) AND (SELECT autocrm.is_system()));
CREATE POLICY tenant ON autocrm.autocrm_raw
    USING (tenant = (SELECT autocrm.tenant()) AND (SELECT autocrm.is_system()));
CREATE POLICY tenant ON autocrm.autocrm_notification
    USING (tenant = (SELECT autocrm.tenant()) AND ((SELECT autocrm.is_system()) OR recipient = (SELECT autocrm.actor())));
CREATE POLICY tenant ON autocrm.autocrm_event USING (
    tenant = (SELECT autocrm.tenant()) AND ((SELECT autocrm.is_system()) OR (
        ticket IS NOT NULL AND (audience = 0 OR (SELECT autocrm.is_agent())) AND EXISTS (
            SELECT 1 FROM autocrm.autocrm_ticket t WHERE t.tenant = autocrm_event.tenant AND t.id = autocrm_event.ticket)
    ))
);
CREATE POLICY tenant ON autocrm.autocrm_event_order USING (tenant = (SELECT autocrm.tenant()));
CREATE POLICY tenant ON autocrm.autocrm_job
    USING (tenant = (SELECT autocrm.tenant()) AND (SELECT autocrm.is_system()));
CREATE POLICY tenant ON autocrm.autocrm_idempotency
    USING (tenant = (SELECT autocrm.tenant()) AND (SELECT autocrm.is_system()));

-- Whoever made the tables moves what lies in the default partition to the partition of its month.
CREATE POLICY owner ON autocrm.autocrm_message_default TO CURRENT_USER USING (true);

-- The worker's view across tenants: which tenants there are, what waits, and what has no position yet. Nothing else.
CREATE POLICY worker ON autocrm.autocrm_directory FOR SELECT USING ((SELECT autocrm.is_worker()));
CREATE POLICY worker ON autocrm.autocrm_event_order USING ((SELECT autocrm.is_worker()));
CREATE POLICY worker ON autocrm.autocrm_job USING ((SELECT autocrm.is_worker()));
