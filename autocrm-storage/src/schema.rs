//! The tables of `migrations/`, as Diesel sees them.

diesel::table! {
    autocrm_tenant (tenant) {
        tenant -> Binary,
        version -> BigInt,
        support_address -> Nullable<Text>,
        document -> Text,
    }
}

diesel::table! {
    autocrm_counter (tenant) {
        tenant -> Binary,
        number -> BigInt,
        position -> BigInt,
    }
}

diesel::table! {
    autocrm_scheme (tenant) {
        tenant -> Binary,
        version -> BigInt,
        document -> Text,
    }
}

diesel::table! {
    autocrm_user (tenant, id) {
        tenant -> Binary,
        id -> Binary,
        version -> BigInt,
        email -> Nullable<Text>,
        external_id -> Nullable<Text>,
        role -> BigInt,
        active -> BigInt,
        document -> Text,
    }
}

diesel::table! {
    autocrm_team (tenant, id) {
        tenant -> Binary,
        id -> Binary,
        version -> BigInt,
        name -> Text,
        document -> Text,
    }
}

diesel::table! {
    autocrm_ticket (row) {
        row -> BigInt,
        tenant -> Binary,
        id -> Binary,
        version -> BigInt,
        number -> BigInt,
        subject -> Text,
        status -> BigInt,
        status_key -> Text,
        priority -> BigInt,
        category -> Nullable<Text>,
        category_source -> Nullable<BigInt>,
        channel -> BigInt,
        requester -> Binary,
        team -> Nullable<Binary>,
        assignee -> Nullable<Binary>,
        pending_until -> Nullable<BigInt>,
        messages -> BigInt,
        first_response_at -> Nullable<BigInt>,
        resolved_at -> Nullable<BigInt>,
        closed_at -> Nullable<BigInt>,
        deleted_at -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
        rest -> Text,
    }
}

diesel::table! {
    autocrm_participant (tenant, user, ticket) {
        tenant -> Binary,
        user -> Binary,
        ticket -> Binary,
    }
}

diesel::table! {
    autocrm_ticket_tag (tenant, tag, ticket) {
        tenant -> Binary,
        tag -> Text,
        ticket -> Binary,
    }
}

diesel::table! {
    autocrm_routing (tenant, ticket) {
        tenant -> Binary,
        ticket -> Binary,
        document -> Text,
    }
}

diesel::table! {
    autocrm_message (row) {
        row -> BigInt,
        tenant -> Binary,
        id -> Binary,
        ticket -> Binary,
        version -> BigInt,
        sequence -> BigInt,
        audience -> BigInt,
        kind -> Text,
        author -> BigInt,
        author_user -> Nullable<Binary>,
        body -> Text,
        reply_at -> Nullable<BigInt>,
        trimmed_at -> Nullable<BigInt>,
        language -> Nullable<Text>,
        attachments -> Nullable<Text>,
        held -> BigInt,
        mail -> Nullable<Binary>,
        sent_at -> Nullable<BigInt>,
        created_at -> BigInt,
    }
}

diesel::table! {
    autocrm_template (tenant, id) {
        tenant -> Binary,
        id -> Binary,
        version -> BigInt,
        team -> Nullable<Binary>,
        document -> Text,
    }
}

diesel::table! {
    autocrm_article (tenant, id) {
        tenant -> Binary,
        id -> Binary,
        version -> BigInt,
        slug -> Text,
        state -> BigInt,
        visibility -> BigInt,
        category -> Nullable<Text>,
        language -> Nullable<Text>,
        document -> Text,
    }
}

diesel::table! {
    autocrm_revision (tenant, article, number) {
        tenant -> Binary,
        article -> Binary,
        number -> BigInt,
        document -> Text,
    }
}

diesel::table! {
    autocrm_chunk (tenant, id) {
        tenant -> Binary,
        id -> Binary,
        article -> Binary,
        ordinal -> BigInt,
        document -> Text,
    }
}

diesel::table! {
    autocrm_feedback (tenant, id) {
        tenant -> Binary,
        id -> Binary,
        target_kind -> BigInt,
        target -> Binary,
        user -> Binary,
        helpful -> BigInt,
        document -> Text,
    }
}

diesel::table! {
    autocrm_inbound (tenant, id) {
        tenant -> Binary,
        id -> Binary,
        version -> BigInt,
        recipient -> Text,
        raw -> Binary,
        provider_id -> Nullable<Text>,
        ticket -> Nullable<Binary>,
        document -> Text,
    }
}

diesel::table! {
    autocrm_outbound (tenant, id) {
        tenant -> Binary,
        id -> Binary,
        version -> BigInt,
        ticket -> Binary,
        document -> Text,
    }
}

diesel::table! {
    autocrm_correspondent (tenant, id) {
        tenant -> Binary,
        id -> Binary,
        version -> BigInt,
        address -> Text,
        suppressed -> BigInt,
        acknowledged_at -> Nullable<BigInt>,
        document -> Text,
    }
}

diesel::table! {
    autocrm_mail_ref (tenant, message_id, message) {
        tenant -> Binary,
        message_id -> Text,
        message -> Binary,
        ticket -> Binary,
        user -> Binary,
        outbound -> Nullable<Binary>,
    }
}

diesel::table! {
    autocrm_raw (tenant, hash) {
        tenant -> Binary,
        hash -> Binary,
        bytes -> Binary,
    }
}

diesel::table! {
    autocrm_notification (tenant, id) {
        tenant -> Binary,
        id -> Binary,
        version -> BigInt,
        recipient -> Binary,
        ticket -> Binary,
        document -> Text,
    }
}

diesel::table! {
    autocrm_event (row) {
        row -> BigInt,
        tenant -> Binary,
        position -> BigInt,
        id -> Binary,
        at -> BigInt,
        actor -> BigInt,
        actor_user -> Nullable<Binary>,
        subject -> BigInt,
        subject_id -> Nullable<Binary>,
        version -> BigInt,
        ticket -> Nullable<Binary>,
        audience -> BigInt,
        event -> Nullable<Text>,
    }
}

diesel::table! {
    autocrm_job (row) {
        row -> BigInt,
        id -> Binary,
        tenant -> Binary,
        kind -> Text,
        payload -> Text,
        key -> Nullable<Binary>,
        state -> BigInt,
        attempts -> BigInt,
        max_attempts -> BigInt,
        token -> BigInt,
        run_at -> BigInt,
        first_due -> BigInt,
        lease_until -> Nullable<BigInt>,
        last_error -> Nullable<Text>,
        created_at -> BigInt,
    }
}

diesel::table! {
    autocrm_idempotency (row) {
        row -> BigInt,
        tenant -> Binary,
        principal -> Text,
        key -> Text,
        request -> Binary,
        receipt -> Text,
        at -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    autocrm_tenant,
    autocrm_counter,
    autocrm_scheme,
    autocrm_user,
    autocrm_team,
    autocrm_ticket,
    autocrm_participant,
    autocrm_ticket_tag,
    autocrm_routing,
    autocrm_message,
    autocrm_template,
    autocrm_article,
    autocrm_revision,
    autocrm_chunk,
    autocrm_feedback,
    autocrm_inbound,
    autocrm_outbound,
    autocrm_correspondent,
    autocrm_mail_ref,
    autocrm_raw,
    autocrm_notification,
    autocrm_event,
    autocrm_job,
    autocrm_idempotency,
);
