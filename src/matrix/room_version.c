#include "matrix/room_version.h"

static const struct room_version versions[] = {
    {
        .name = STR_INIT("1"),
        .event_format = EVENT_FORMAT_V1,
        .redaction = REDACTION_V1,
        .state_resolution = STATE_RESOLUTION_V1,
        .auth_numbers = AUTH_NUMBERS_V1,
        .redaction_auth_rule = true,
        .aliases_auth_rule = true,
        .creator_in_content = true,
        .create_in_auth_events = true,
    },
    {
        .name = STR_INIT("2"),
        .event_format = EVENT_FORMAT_V1,
        .redaction = REDACTION_V1,
        .state_resolution = STATE_RESOLUTION_V2,
        .auth_numbers = AUTH_NUMBERS_V1,
        .redaction_auth_rule = true,
        .aliases_auth_rule = true,
        .creator_in_content = true,
        .create_in_auth_events = true,
    },
    {
        .name = STR_INIT("3"),
        .event_format = EVENT_FORMAT_V3,
        .redaction = REDACTION_V1,
        .state_resolution = STATE_RESOLUTION_V2,
        .auth_numbers = AUTH_NUMBERS_V1,
        .aliases_auth_rule = true,
        .creator_in_content = true,
        .create_in_auth_events = true,
    },
    {
        .name = STR_INIT("4"),
        .event_format = EVENT_FORMAT_V4,
        .redaction = REDACTION_V1,
        .state_resolution = STATE_RESOLUTION_V2,
        .auth_numbers = AUTH_NUMBERS_V1,
        .aliases_auth_rule = true,
        .creator_in_content = true,
        .create_in_auth_events = true,
    },
    {
        .name = STR_INIT("5"),
        .event_format = EVENT_FORMAT_V4,
        .redaction = REDACTION_V1,
        .state_resolution = STATE_RESOLUTION_V2,
        .auth_numbers = AUTH_NUMBERS_V1,
        .aliases_auth_rule = true,
        .key_validity_enforced = true,
        .creator_in_content = true,
        .create_in_auth_events = true,
    },
    {
        .name = STR_INIT("6"),
        .event_format = EVENT_FORMAT_V4,
        .redaction = REDACTION_V6,
        .state_resolution = STATE_RESOLUTION_V2,
        .auth_numbers = AUTH_NUMBERS_V6,
        .key_validity_enforced = true,
        .strict_json = true,
        .notifications_guarded = true,
        .creator_in_content = true,
        .create_in_auth_events = true,
    },
    {
        .name = STR_INIT("7"),
        .event_format = EVENT_FORMAT_V4,
        .redaction = REDACTION_V6,
        .state_resolution = STATE_RESOLUTION_V2,
        .auth_numbers = AUTH_NUMBERS_V7,
        .key_validity_enforced = true,
        .strict_json = true,
        .notifications_guarded = true,
        .knock = true,
        .creator_in_content = true,
        .create_in_auth_events = true,
    },
    {
        .name = STR_INIT("8"),
        .event_format = EVENT_FORMAT_V4,
        .redaction = REDACTION_V8,
        .state_resolution = STATE_RESOLUTION_V2,
        .auth_numbers = AUTH_NUMBERS_V8,
        .key_validity_enforced = true,
        .strict_json = true,
        .notifications_guarded = true,
        .knock = true,
        .restricted_join = true,
        .creator_in_content = true,
        .create_in_auth_events = true,
    },
    {
        .name = STR_INIT("9"),
        .event_format = EVENT_FORMAT_V4,
        .redaction = REDACTION_V9,
        .state_resolution = STATE_RESOLUTION_V2,
        .auth_numbers = AUTH_NUMBERS_V8,
        .key_validity_enforced = true,
        .strict_json = true,
        .notifications_guarded = true,
        .knock = true,
        .restricted_join = true,
        .creator_in_content = true,
        .create_in_auth_events = true,
    },
    {
        .name = STR_INIT("10"),
        .event_format = EVENT_FORMAT_V4,
        .redaction = REDACTION_V9,
        .state_resolution = STATE_RESOLUTION_V2,
        .auth_numbers = AUTH_NUMBERS_V10,
        .key_validity_enforced = true,
        .strict_json = true,
        .notifications_guarded = true,
        .knock = true,
        .restricted_join = true,
        .knock_restricted = true,
        .integer_power_levels_only = true,
        .creator_in_content = true,
        .create_in_auth_events = true,
    },
    {
        .name = STR_INIT("11"),
        .event_format = EVENT_FORMAT_V4,
        .redaction = REDACTION_V11,
        .state_resolution = STATE_RESOLUTION_V2,
        .auth_numbers = AUTH_NUMBERS_V10,
        .key_validity_enforced = true,
        .strict_json = true,
        .notifications_guarded = true,
        .knock = true,
        .restricted_join = true,
        .knock_restricted = true,
        .integer_power_levels_only = true,
        .redacts_in_content = true,
        .create_in_auth_events = true,
    },
    {
        .name = STR_INIT("12"),
        .event_format = EVENT_FORMAT_V4,
        .redaction = REDACTION_V11,
        .state_resolution = STATE_RESOLUTION_V2_1,
        .auth_numbers = AUTH_NUMBERS_V12,
        .key_validity_enforced = true,
        .strict_json = true,
        .notifications_guarded = true,
        .knock = true,
        .restricted_join = true,
        .knock_restricted = true,
        .integer_power_levels_only = true,
        .redacts_in_content = true,
        .room_id_is_create_hash = true,
        .creators_are_privileged = true,
    },
};

#define VERSION_COUNT (sizeof(versions) / sizeof(versions[0]))

const struct room_version *room_version_find(struct str name)
{
    for (size_t i = 0; i < VERSION_COUNT; i++) {
        if (str_eq(versions[i].name, name))
            return &versions[i];
    }
    return NULL;
}

const struct room_version *room_version_at(size_t index)
{
    return index < VERSION_COUNT ? &versions[index] : NULL;
}

const struct room_version *room_version_default(void)
{
    return &versions[VERSION_COUNT - 1];
}
