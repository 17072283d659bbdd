#include "main/config_ignored.h"

/* "*" stands for one part that the operator chooses, "**" for all that follows. */
/* clang-format off */
static const char *const ignored[] = {
    /* Identity, listeners, files */
    "access_control_allow_origin", "appservice_dir", "config_reload_signal", "error_on_unknown_config_opts",
    "ip_source", "ip_source_trusted_subnets", "listening", "maintenance", "new_user_displayname_suffix", "proxy",
    "test", "tokio_console", "unix_socket_path", "unix_socket_perms",
    /* Backup and import */
    "conduit_media_directory_depth", "conduit_media_directory_length", "conduit_source_media_path",
    "conduit_source_media_provider", "database_backup_path", "database_backups_to_keep", "database_migrations",
    /* Caches and threads */
    "auth_chain_cache_capacity", "cache_capacity_modifier", "db_cache_capacity_mb", "db_pool_affinity",
    "db_pool_max_workers", "db_pool_queue_mult", "db_pool_workers", "db_pool_workers_limit",
    "db_write_buffer_capacity_mb", "eventid_backoff_cache_capacity", "eventid_pdu_cache_capacity",
    "eventidshort_cache_capacity", "mediaid_lazycontent_cache_capacity", "pdu_cache_capacity",
    "resolver_cache_capacity", "sender_workers", "servername_status_cache_capacity",
    "servernameevent_data_cache_capacity", "shorteventid_cache_capacity", "shortstatekey_cache_capacity",
    "spacehierarchy_cache_ttl_max", "spacehierarchy_cache_ttl_min", "stateinfo_cache_capacity",
    "statekeyshort_cache_capacity", "stream_amplification", "stream_width_default", "stream_width_scale",
    /* RocksDB */
    "rocksdb_allow_fallocate", "rocksdb_atomic_flush", "rocksdb_bottommost_compression",
    "rocksdb_bottommost_compression_level", "rocksdb_checksums", "rocksdb_compaction",
    "rocksdb_compaction_ioprio_idle", "rocksdb_compaction_prio_idle", "rocksdb_compression_algo",
    "rocksdb_compression_level", "rocksdb_direct_io", "rocksdb_log_level", "rocksdb_log_stderr",
    "rocksdb_log_time_to_roll", "rocksdb_max_log_file_size", "rocksdb_max_log_files", "rocksdb_never_drop_columns",
    "rocksdb_optimize_for_spinning_disks", "rocksdb_parallelism_threads", "rocksdb_paranoid_file_checks",
    "rocksdb_read_only", "rocksdb_recovery_mode", "rocksdb_repair", "rocksdb_secondary", "rocksdb_stats_level",
    /* DNS */
    "dns_attempts", "dns_cache_entries", "dns_case_randomization", "dns_min_ttl", "dns_min_ttl_nxdomain",
    "dns_passthru_appservices", "dns_passthru_domains", "dns_servers", "dns_tcp_fallback", "dns_timeout",
    "ip_lookup_strategy", "query_all_nameservers", "query_over_tcp_only",
    /* HTTP limits and timeouts */
    "appservice_idle_timeout", "appservice_timeout", "brotli_compression", "client_request_timeout",
    "client_response_timeout", "client_sync_timeout_default", "client_sync_timeout_min", "federation_idle_per_host",
    "federation_idle_timeout", "federation_keys_timeout", "federation_timeout", "gzip_compression",
    "max_response_size", "pusher_idle_timeout", "request_brotli", "request_conn_timeout", "request_gzip",
    "request_idle_per_host", "request_idle_timeout", "request_timeout", "request_total_timeout", "request_zstd",
    "sender_idle_timeout", "sender_retry_backoff_limit", "sender_retry_grace", "sender_shutdown_timeout",
    "sender_timeout", "well_known_conn_timeout", "well_known_timeout", "zstd_compression",
    /* Registration and login */
    "allow_guest_registration", "allow_guests_auto_join_rooms", "auto_deactivate_banned_room_attempts",
    "auto_join_rooms", "emergency_password", "forbidden_usernames", "log_guest_registrations", "login_token_ttl",
    "login_via_existing_session", "login_via_token", "login_with_password", "mas_secret", "openid_token_ttl",
    "refresh_token_hard_logout", "refresh_token_idle_only", "refresh_token_reuse_grace", "refresh_token_reuse_revoke",
    "refresh_token_ttl", "registration_shared_secret", "registration_shared_secret_file", "single_sso",
    "sso_custom_providers_page", "turn_allow_guests",
    /* OAuth 2.0 server and QR */
    "oidc_aware_preferred", "oidc_native_auth", "oidc_rc_burst_count", "oidc_rc_per_second",
    "oidc_registration_access_token", "oidc_registration_allowed_redirect_hosts",
    "oidc_registration_require_client_uri", "oidc_require_device_scope", "oidc_require_pkce", "oidc_strict_scope",
    "rendezvous_authenticated_only", "rendezvous_enabled", "rendezvous_max_sessions", "rendezvous_rc_burst_count",
    "rendezvous_rc_per_second", "rendezvous_session_max_bytes", "rendezvous_session_ttl",
    /* Federation */
    "allow_device_name_federation", "allow_inbound_profile_lookup_federation_requests",
    "allowed_remote_server_names_experimental", "deprioritize_joins_through_servers",
    "device_key_update_encrypted_rooms_only", "enforce_erasure_over_federation",
    "enforce_stripped_state_pdu_validation", "federate_admin_room", "federate_created_rooms", "federation_loopback",
    "fetch_fanout_max_width", "fetch_fanout_rounds", "fetch_prev_wait_ms",
    "fetch_unreceived_contexts_over_federation", "forbidden_remote_room_directory_server_names",
    "forbidden_remote_server_names", "forward_extremities_emergency_max", "forward_extremities_max",
    "forward_extremities_prune_batch", "hydra_backports", "ip_range_denylist", "max_fetch_prev_events",
    "max_join_attempts_per_join_request", "max_make_join_attempts_per_join_attempt", "only_query_trusted_key_servers",
    "query_trusted_key_servers_first", "query_trusted_key_servers_first_on_join", "resolve_state_locally",
    "resolve_state_locally_max", "resolve_state_locally_shadow", "startup_netburst", "startup_netburst_keep",
    "trusted_server_batch_concurrency", "trusted_server_batch_size",
    /* Rooms and directory */
    "allow_encryption", "allow_experimental_room_versions", "allow_public_room_directory_over_federation",
    "allow_public_room_directory_without_auth", "allow_public_room_search_by_id",
    "allow_room_admins_to_request_unredacted_events", "allow_unlisted_room_search_by_id",
    "allow_unstable_room_versions", "block_non_admin_invites", "bundle_edit_relations", "bundle_reference_relations",
    "calculate_heroes", "default_power_level_content_override", "delete_rooms_after_leave",
    "disable_local_redactions", "enable_policy_servers", "encryption_enabled_by_default_for_room_type",
    "forbidden_alias_names", "forget_forced_upon_leave", "lockdown_public_room_directory",
    "msc3664_related_event_match", "one_time_key_limit", "policy_server_request_timeout",
    "preserve_room_profile_overrides", "redaction_retention_seconds", "require_auth_for_profile_requests",
    "save_unredacted_events", "show_all_local_users_in_user_directory",
    /* Presence, typing, receipts, push */
    "allow_incoming_presence", "allow_incoming_read_receipts", "allow_incoming_typing", "allow_local_presence",
    "allow_outgoing_presence", "allow_outgoing_read_receipts", "allow_outgoing_typing", "notification_push_path",
    "presence_idle_timeout_s", "presence_offline_timeout_s", "presence_timeout_remote_users", "push_everything",
    "suppress_push_when_active", "typing_client_timeout_max_s", "typing_client_timeout_min_s",
    "typing_federation_timeout_s",
    /* Media and previews */
    "allow_legacy_media", "freeze_legacy_media", "max_pending_media_uploads", "media_allow_redirect",
    "media_compat_file_link", "media_create_unused_expiration_time", "media_rc_create_burst_count",
    "media_rc_create_per_second", "media_startup_check", "media_storage_providers", "media_thumbnail_max_pixels",
    "media_video_thumbnail_command", "media_video_thumbnail_concurrency", "media_video_thumbnail_max_size",
    "media_video_thumbnail_path", "media_video_thumbnail_timeout", "prevent_media_downloads_from",
    "prune_missing_media", "request_legacy_media", "store_media_on_providers", "url_preview_bound_interface",
    "url_preview_check_root_domain", "url_preview_domain_contains_allowlist", "url_preview_domain_explicit_allowlist",
    "url_preview_domain_explicit_denylist", "url_preview_max_media_size", "url_preview_max_spider_size",
    "url_preview_media_user_agent", "url_preview_url_contains_allowlist", "url_preview_user_agent",
    /* TURN */
    "turn_password", "turn_secret", "turn_secret_file", "turn_ttl", "turn_uris", "turn_username",
    /* Administration */
    "admin_console_automatic", "admin_escape_commands", "admin_execute", "admin_execute_errors_ignore",
    "admin_log_capture", "admin_output_max_events", "admin_output_threads", "admin_room_notices", "admin_room_tag",
    "admin_signal_execute", "create_admin_room", "grant_admin_to_first_user", "report_room",
    /* Logs, traces, Sentry */
    "allow_jaeger", "jaeger_filter", "log_colors", "log_compact", "log_enable", "log_filter_regex",
    "log_global_default", "log_journald", "log_span_events", "log_thread_ids", "log_to_stderr", "sentry",
    "sentry_attach_stacktrace", "sentry_endpoint", "sentry_filter", "sentry_send_error", "sentry_send_panic",
    "sentry_send_server_name", "sentry_traces_sample_rate", "tracing_flame", "tracing_flame_filter",
    "tracing_flame_output_path",
    /* Tables */
    "proxy.by_domain.exclude", "proxy.by_domain.include", "proxy.by_domain.url", "proxy.global.url",
    "appservice.*.aliases.exclusive", "appservice.*.aliases.regex", "appservice.*.as_token",
    "appservice.*.device_management", "appservice.*.hs_token", "appservice.*.msc3202_transaction_extensions",
    "appservice.*.protocols", "appservice.*.rate_limited", "appservice.*.receive_ephemeral",
    "appservice.*.rooms.exclusive", "appservice.*.rooms.regex", "appservice.*.sender_localpart", "appservice.*.url",
    "appservice.*.users.exclusive", "appservice.*.users.regex", "default_power_level_content_override.**",
    "identity_provider.*.authorization_url", "identity_provider.*.base_path", "identity_provider.*.brand",
    "identity_provider.*.callback_url", "identity_provider.*.check_cookie", "identity_provider.*.client_id",
    "identity_provider.*.client_secret", "identity_provider.*.client_secret_file", "identity_provider.*.default",
    "identity_provider.*.discovery", "identity_provider.*.discovery_url",
    "identity_provider.*.extra_authorization_parameters", "identity_provider.*.extra_authorization_parameters.**",
    "identity_provider.*.forward_action_prompt", "identity_provider.*.grant_session_duration",
    "identity_provider.*.icon", "identity_provider.*.introspection_url", "identity_provider.*.issuer_url",
    "identity_provider.*.name", "identity_provider.*.registration", "identity_provider.*.revocation_url",
    "identity_provider.*.scope", "identity_provider.*.token_url", "identity_provider.*.trusted",
    "identity_provider.*.unique_id_fallbacks", "identity_provider.*.userid_claims",
    "identity_provider.*.userinfo_url", "identity_provider.authorization_url", "identity_provider.base_path",
    "identity_provider.brand", "identity_provider.callback_url", "identity_provider.check_cookie",
    "identity_provider.client_id", "identity_provider.client_secret", "identity_provider.client_secret_file",
    "identity_provider.default", "identity_provider.discovery", "identity_provider.discovery_url",
    "identity_provider.extra_authorization_parameters", "identity_provider.extra_authorization_parameters.**",
    "identity_provider.forward_action_prompt", "identity_provider.grant_session_duration", "identity_provider.icon",
    "identity_provider.introspection_url", "identity_provider.issuer_url", "identity_provider.name",
    "identity_provider.registration", "identity_provider.revocation_url", "identity_provider.scope",
    "identity_provider.token_url", "identity_provider.trusted", "identity_provider.unique_id_fallbacks",
    "identity_provider.userid_claims", "identity_provider.userinfo_url", "jwt.algorithm", "jwt.audience",
    "jwt.enable", "jwt.format", "jwt.issuer", "jwt.key", "jwt.register_user", "jwt.require_exp", "jwt.require_nbf",
    "jwt.validate_exp", "jwt.validate_nbf", "jwt.validate_signature", "ldap.admin_base_dn", "ldap.admin_filter",
    "ldap.base_dn", "ldap.bind_dn", "ldap.bind_password_file", "ldap.enable", "ldap.filter", "ldap.uid_attribute",
    "ldap.uri", "registration_terms.*.translations.*.name", "registration_terms.*.translations.*.url",
    "registration_terms.*.version", "smtp.connection_uri", "smtp.require_email_for_registration",
    "smtp.require_email_for_token_registration", "smtp.sender", "storage_provider.*.local.base_path",
    "storage_provider.*.local.create_if_missing", "storage_provider.*.local.delete_empty_directories",
    "storage_provider.*.local.startup_check", "storage_provider.*.s3.base_path", "storage_provider.*.s3.bucket",
    "storage_provider.*.s3.endpoint", "storage_provider.*.s3.key", "storage_provider.*.s3.kms",
    "storage_provider.*.s3.multipart_part_size", "storage_provider.*.s3.multipart_threshold",
    "storage_provider.*.s3.region", "storage_provider.*.s3.secret", "storage_provider.*.s3.startup_check",
    "storage_provider.*.s3.token", "storage_provider.*.s3.url", "storage_provider.*.s3.use_bucket_key",
    "storage_provider.*.s3.use_https", "storage_provider.*.s3.use_payload_signatures",
    "storage_provider.*.s3.use_signatures", "storage_provider.*.s3.use_vhost_request", "tls.certs",
    "tls.dual_protocol", "tls.key", "well_known.livekit_url", "well_known.rtc_transports",
    "well_known.rtc_transports.**", "well_known.support_contact.*.email_address",
    "well_known.support_contact.*.matrix_id", "well_known.support_contact.*.pgp_key",
    "well_known.support_contact.*.role", "well_known.support_policy.*.policy_translation.*.name",
    "well_known.support_policy.*.policy_translation.*.url", "well_known.support_policy.*.version",
    /* Other and older names of the same, and those they do not document */
    "allow_invalid_tls_certificates",
    "allow_invalid_tls_certificates_yes_i_know_what_the_fuck_i_am_doing_with_this_and_i_know_this_is_insecure",
    "allow_profile_lookup_federation_requests", "cache_capacity", "conduit_cache_capacity_modifier",
    "database_restore_backup", "force_migration", "jwt.secret", "ldap.name_attribute", "log_colours",
    "max_concurrent_requests", "sso_aware_preferred", "storage_provider.*.S3.**", "storage_provider.*.local.path",
    "storage_provider.*.s3.path", "well_known.support_pgp_key", "well_known_client", "well_known_server",
    "well_known_support_email", "well_known_support_mxid", "well_known_support_page", "well_known_support_role",
    /* What older releases had, and branches of them that some run */
    "admin_api_token", "allow_outbound_profile_lookup_federation_requests", "allow_presence",
    "allowed_remote_server_names", "appservice.*.exclusive", "appservice.*.id", "appservice.*.regex",
    "cleanup_second_interval", "database_backend", "db_pool_queue_size", "enable_lightning_bolt",
    "encryption_disabled", "federation_disabled", "federation_enabled", "feds_destination_limit", "feds_max_width",
    "feds_timeout", "forbidden_room_names", "identity_provider.*.native_client_ids",
    "identity_provider.native_client_ids", "jwt_secret", "ldap.mail_attribute", "ldap.start_tls",
    "max_delayed_events_per_user", "max_event_delay_duration", "media_statup_check", "rc_media_create_burst_count",
    "rc_media_create_per_second", "registration_disabled", "revoked_remote_server_keys",
    "rocksdb_drop_missing_columns", "rocksdb_log_path", "rocksdb_max_open_files", "rocksdb_periodic_cleanup",
    "s3_provider.bucket", "s3_provider.endpoint", "s3_provider.key", "s3_provider.path", "s3_provider.region",
    "s3_provider.secret", "server_visibility_cache_capacity", "sso_default_provider_id", "url_preview_allowlist",
    "user_visibility_cache_capacity", "well_known.support_policy.*.name",
    "well_known.support_policy.*.policy_translation.*.language",
    "well_known.support_policy.*.policy_translation.language", "well_known.support_policy.*.policy_translation.name",
    "well_known.support_policy.*.policy_translation.url", "workers",
    /* conduwuit only */
    "allow_check_for_updates", "blurhashing.blurhash_max_raw_size", "blurhashing.components_x",
    "blurhashing.components_y", "roomid_spacehierarchy_cache_capacity",
    /* continuwuity only */
    "accepted_ip_sources", "admins_from_room", "admins_list", "allow_announcements_check", "allow_deactivation",
    "allow_otlp", "allow_sticky_events", "antispam.draupnir.base_url", "antispam.draupnir.secret",
    "antispam.meowlnir.base_url", "antispam.meowlnir.check_all_joins", "antispam.meowlnir.management_room",
    "antispam.meowlnir.secret", "default_room_acl_allow", "default_room_acl_deny", "dummy_event_threshold",
    "ignore_messages_from_server_names", "log_to_journald", "matrix_rtc.foci", "matrix_rtc.foci.**",
    "max_concurrent_inbound_transactions", "oauth.compatibility_mode", "oauth.oidc.additional_scopes",
    "oauth.oidc.client_id", "oauth.oidc.client_secret", "oauth.oidc.client_secret_file", "oauth.oidc.discovery_url",
    "oauth.oidc.email_claim", "oauth.oidc.preferred_username_claim", "oauth.oidc.profile_key_map",
    "oauth.oidc.profile_key_map.**", "oauth.oidc.prompt_for_localpart", "otlp_protocol", "recaptcha_private_site_key",
    "recaptcha_site_key", "rocksdb_wal_compression", "sender_retry_backoff_base", "suspend_on_register",
    "transaction_id_cache_max_age_secs", "transaction_id_cache_max_entries", "url_preview_allow_audio_video",
    "well_known.policy_server_public_key",
};
/* clang-format on */

/* Parts are compared one by one; both end together, or at "**". A table's name ends before the pattern does. */
static bool matches(struct str pattern, struct str name, bool table)
{
    while (pattern.n > 0 && name.n > 0) {
        struct str want = str_cut(pattern, '.', &pattern);
        if (str_eq(want, STR("**")))
            return true;
        struct str part = str_cut(name, '.', &name);
        if (part.n == 0 || (!str_eq(want, STR("*")) && !str_eq(want, part)))
            return false;
    }
    return name.n == 0 && (pattern.n > 0) == table;
}

static bool matches_any(struct str name, bool table)
{
    for (size_t i = 0; config_ignored_at(i); i++) {
        if (matches(str_of(config_ignored_at(i)), name, table))
            return true;
    }
    return false;
}

bool config_ignored_matches(const char *pattern, struct str name)
{
    return matches(str_of(pattern), name, false);
}

bool config_ignored_has(struct str name)
{
    return matches_any(name, false);
}

bool config_ignored_has_table(struct str name)
{
    return matches_any(name, true);
}

const char *config_ignored_at(size_t index)
{
    return index < sizeof(ignored) / sizeof(ignored[0]) ? ignored[index] : NULL;
}
