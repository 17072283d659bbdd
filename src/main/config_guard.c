#include "main/config_guard.h"

#include "main/config_ignored.h"

static const struct config_guard guards[] = {
    /* Listening and clients */
    {"access_control_allow_origin", "", "every web page may call the client API"},
    {"listening", "true", "the server listens"},
    {"maintenance", "false", "clients are served"},
    {"proxy", "none", "requests to other servers go out directly"},
    {"proxy.by_domain.url", NULL, "requests to other servers go out directly"},
    {"proxy.global.url", NULL, "requests to other servers go out directly"},
    {"tls.certs", NULL, "connections are not encrypted; a web server with this certificate has to stand before it"},
    {"tls.dual_protocol", "false", NULL},
    {"unix_socket_path", NULL, "it listens on address and port"},

    /* Accounts */
    {"allow_deactivation", "true", "users can close their accounts"},
    {"allow_guest_registration", "false", NULL},
    {"allow_guests_auto_join_rooms", "false", NULL},
    {"auto_deactivate_banned_room_attempts", "false", "nobody is deactivated for trying to join"},
    {"forbidden_usernames", "", "every user name that is free can be registered"},
    {"grant_admin_to_first_user", "false", NULL},
    {"log_guest_registrations", "false", NULL},
    {"login_with_password", "true", "users log in with passwords"},
    {"recaptcha_private_site_key", "", "registration asks for no captcha"},
    {"registration_disabled", "false", "allow_registration alone closes registration"},
    {"refresh_token_ttl", "0", "refresh tokens do not end by themselves"},
    {"registration_terms.*.version", NULL, "nobody is asked to accept terms"},
    {"smtp.require_email_for_registration", "false", "an account needs no e-mail address"},
    {"smtp.require_email_for_token_registration", "false", "an account needs no e-mail address"},
    {"suspend_on_register", "false", "new accounts are not suspended"},
    {"turn_allow_guests", "false", NULL},
    {"appservice.*.users.exclusive", "false", "user names of application services can be registered"},
    {"appservice.*.aliases.exclusive", "false", "aliases of application services can be taken"},

    /* Rooms */
    {"allow_encryption", "true", "rooms can be encrypted"},
    {"antispam.draupnir.base_url", "", "nothing is asked whether a message or an invite is spam"},
    {"antispam.meowlnir.base_url", "", "nothing is asked whether a message or an invite is spam"},
    {"block_non_admin_invites", "false", "every user can invite"},
    {"default_power_level_content_override", "", "new rooms have the usual power levels"},
    {"default_power_level_content_override.**", NULL, "new rooms have the usual power levels"},
    {"default_room_acl_allow", "", "new rooms admit every server"},
    {"default_room_acl_deny", "", "new rooms admit every server"},
    {"disable_local_redactions", "false", "users can redact what they sent"},
    {"enable_policy_servers", "false", "policy servers are not asked"},
    {"encryption_enabled_by_default_for_room_type", "none", "new rooms are encrypted only if the client asks for it"},
    {"encryption_disabled", "false", "rooms can be encrypted"},
    {"forbidden_room_names", "", "every alias that is free can be taken"},
    {"forbidden_alias_names", "", "every alias that is free can be taken"},
    {"lockdown_public_room_directory", "false", "every user can publish rooms"},
    {"require_auth_for_profile_requests", "false", "profiles can be read without an account"},
    {"allow_experimental_room_versions", "false", NULL},
    {"allow_unstable_room_versions", "false", NULL},

    /* Other servers */
    {"allow_device_name_federation", "false", NULL},
    {"allow_inbound_profile_lookup_federation_requests", "true", "other servers can read profiles"},
    {"allowed_remote_server_names", "", "no server is kept out"},
    {"allowed_remote_server_names_experimental", "", "no server is kept out"},
    {"allow_public_room_directory_over_federation", "false", NULL},
    {"allow_profile_lookup_federation_requests", "true", "other servers can read profiles"},
    {"federate_created_rooms", "true", "new rooms can be joined from other servers unless allow_federation is false"},
    {"federation_disabled", "false", "allow_federation alone closes federation"},
    {"federation_enabled", "true", "allow_federation alone closes federation"},
    {"federation_loopback", "false", NULL},
    {"forbidden_remote_room_directory_server_names", "", "every server's room directory can be asked for"},
    {"forbidden_remote_server_names", "", "no server is kept out"},
    {"ignore_messages_from_server_names", "", "messages of every server are shown"},
    {"ip_range_denylist", NULL, "no address is kept from being asked"},
    {"only_query_trusted_key_servers", "false", "other servers than trusted_servers may be asked for keys"},
    {"revoked_remote_server_keys", "", "keys of other servers that were revoked are trusted"},
    {"prevent_media_downloads_from", "", "media of every server can be fetched"},

    /* What this server does not do */
    {"admin_console_automatic", "false", NULL},
    {"admin_execute", "", NULL},
    {"admin_signal_execute", "", NULL},
    {"allow_announcements_check", "false", NULL},
    {"allow_check_for_updates", "false", NULL},
    {"allow_jaeger", "false", NULL},
    {"allow_otlp", "false", NULL},
    {"appservice_dir", "", NULL},
    {"auto_join_rooms", "", NULL},
    {"brotli_compression", "false", NULL},
    {"config_reload_signal", "true", NULL},
    {"create_admin_room", "false", NULL},
    {"error_on_unknown_config_opts", "true", NULL},
    {"gzip_compression", "false", NULL},
    {"jwt.enable", "false", NULL},
    {"ldap.enable", "false", NULL},
    {"enable_lightning_bolt", "false", NULL},
    {"new_user_displayname_suffix", "", NULL},
    {"sentry", "false", NULL},
    {"sentry_endpoint", "", NULL},
    {"test", "false", NULL},
    {"tokio_console", "false", NULL},
    {"tracing_flame", "false", NULL},
    {"zstd_compression", "false", NULL},
};

const struct config_guard *config_guard_at(size_t index)
{
    return index < sizeof(guards) / sizeof(guards[0]) ? &guards[index] : NULL;
}

const struct config_guard *config_guard_find(struct str name)
{
    for (size_t i = 0; config_guard_at(i); i++) {
        if (config_ignored_matches(guards[i].name, name))
            return &guards[i];
    }
    return NULL;
}

bool config_guard_is_same(const struct config_guard *guard, const struct config_value *value)
{
    struct str same = str_of(guard->same ? guard->same : "");
    int64_t number;

    if (!guard->same)
        return false;
    switch (value->kind) {
    case CONFIG_VALUE_BOOL:
        return str_eq(same, value->b ? STR("true") : STR("false"));
    case CONFIG_VALUE_INT:
        return str_to_i64(same, &number) && number == value->i;
    case CONFIG_VALUE_STRING:
        return str_eq(same, value->s);
    case CONFIG_VALUE_LIST:
        return same.n == 0 && value->count == 0;
    case CONFIG_VALUE_TABLE: /* one without members */
        return same.n == 0;
    case CONFIG_VALUE_OTHER:
        return false;
    }
    __builtin_unreachable();
}
