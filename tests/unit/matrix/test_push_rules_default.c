#include "matrix/push_rules_default.h"

#include "check.h"

static const struct json *rule(const struct json *rules, const char *kind, const char *id)
{
    const struct json *list = json_get(json_get(rules, STR("global")), str_of(kind));
    for (size_t i = 0; i < list->count; i++)
        if (str_eq(json_str_at(&list->items[i], STR("rule_id")), str_of(id)))
            return &list->items[i];
    return NULL;
}

static void rules(void **state)
{
    static const struct {
        const char *kind;
        const char *id;
        const char *text;
    } cases[] = {
        {"override", ".m.rule.master",
         "{\"actions\":[],\"conditions\":[],\"default\":true,\"enabled\":false,\"rule_id\":\".m.rule.master\"}"},
        {"override", ".m.rule.invite_for_me",
         "{\"actions\":[\"notify\",{\"set_tweak\":\"sound\",\"value\":\"default\"}],\"conditions\":["
         "{\"key\":\"type\",\"kind\":\"event_match\",\"pattern\":\"m.room.member\"},"
         "{\"key\":\"content.membership\",\"kind\":\"event_match\",\"pattern\":\"invite\"},"
         "{\"key\":\"state_key\",\"kind\":\"event_match\",\"pattern\":\"@a\\\"b:c\"}],"
         "\"default\":true,\"enabled\":true,\"rule_id\":\".m.rule.invite_for_me\"}"},
        {"override", ".m.rule.is_user_mention",
         "{\"actions\":[\"notify\",{\"set_tweak\":\"sound\",\"value\":\"default\"},{\"set_tweak\":\"highlight\"}],"
         "\"conditions\":[{\"key\":\"content.m\\\\.mentions.user_ids\",\"kind\":\"event_property_contains\","
         "\"value\":\"@a\\\"b:c\"}],\"default\":true,\"enabled\":true,\"rule_id\":\".m.rule.is_user_mention\"}"},
        {"override", ".m.rule.is_room_mention",
         "{\"actions\":[\"notify\",{\"set_tweak\":\"highlight\"}],\"conditions\":["
         "{\"key\":\"content.m\\\\.mentions.room\",\"kind\":\"event_property_is\",\"value\":true},"
         "{\"key\":\"room\",\"kind\":\"sender_notification_permission\"}],"
         "\"default\":true,\"enabled\":true,\"rule_id\":\".m.rule.is_room_mention\"}"},
        {"underride", ".m.rule.room_one_to_one",
         "{\"actions\":[\"notify\",{\"set_tweak\":\"sound\",\"value\":\"default\"}],\"conditions\":["
         "{\"is\":\"2\",\"kind\":\"room_member_count\"},"
         "{\"key\":\"type\",\"kind\":\"event_match\",\"pattern\":\"m.room.message\"}],"
         "\"default\":true,\"enabled\":true,\"rule_id\":\".m.rule.room_one_to_one\"}"},
    };
    struct arena *a = arena_new();
    (void)state;
    /* A quotation mark may stand in user ids from before the grammar. */
    const struct json *all = push_rules_default(a, STR("@a\"b:c"));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct json *found = rule(all, cases[i].kind, cases[i].id);
        check_case(found != NULL, cases[i].id);
        check_str(json_text(a, found), str_of(cases[i].text), cases[i].id);
    }
    arena_free(&a);
}

static void order(void **state)
{
    static const char *const override[] = {
        ".m.rule.master",          ".m.rule.suppress_notices", ".m.rule.invite_for_me", ".m.rule.member_event",
        ".m.rule.is_user_mention", ".m.rule.is_room_mention",  ".m.rule.tombstone",     ".m.rule.reaction",
        ".m.rule.room.server_acl", ".m.rule.suppress_edits",
    };
    struct arena *a = arena_new();
    (void)state;
    const struct json *list = json_get(json_get(push_rules_default(a, STR("@a:b")), STR("global")), STR("override"));
    assert_int_equal(list->count, COUNT_OF(override));
    for (size_t i = 0; i < COUNT_OF(override); i++)
        check_str(json_str_at(&list->items[i], STR("rule_id")), str_of(override[i]), override[i]);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rules), cmocka_unit_test(order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
