/* Who must have signed, by version, type and content; in the order in which they are named. */
#include "matrix/event_signers.h"

#include "auth_case.h"

#define JOIN_BY(user, more)                                                                                            \
    "{'type':'m.room.member','sender':'@u:u','state_key':'@u:u','event_id':'$e:e',"                                    \
    "'content':{'membership':'" more "','join_authorised_via_users_server':" user "}}"
#define INVITE(more)                                                                                                   \
    "{'type':'m.room.member','sender':'@u:u','state_key':'@v:v','event_id':'$e:e',"                                    \
    "'content':{'membership':'invite'" more "}}"

static const struct {
    int versions;
    const char *event, *want; /* names; '!' behind those without whom the event is rejected, not dropped */
} cases[] = {
    {FROM(3), "{'type':'x','sender':'@u:u','event_id':'$e:e','content':{}}", "u"},
    {TO(2), "{'type':'x','sender':'@u:u','event_id':'$e:e','content':{}}", "u e"},
    {TO(2), "{'type':'x','sender':'@u:u','event_id':'$e:u','content':{}}", "u"},
    {TO(2), "{'type':'x','sender':'@u:u:80','event_id':'$e:u','content':{}}", "u:80 u"},
    {FROM(3) & TO(7), JOIN_BY("'@a:a'", "join"), "u"},
    {FROM(8), JOIN_BY("'@a:a'", "join"), "u a!"},
    {FROM(8), JOIN_BY("'@a:u'", "join"), "u"},
    {FROM(8), JOIN_BY("'@a:a'", "leave"), "u a!"},
    {FROM(8), JOIN_BY("'a:a'", "join"), "u"},
    {FROM(8), JOIN_BY("1", "join"), "u"},
    {FROM(8), JOIN_BY("'@a:'", "join"), "u"},
    {FROM(8), "{'type':'x','sender':'@u:u','content':{'join_authorised_via_users_server':'@a:a'}}", "u"},
    {FROM(3), INVITE(""), "u"},
    {FROM(3), INVITE(",'third_party_invite':{'signed':{}}"), ""},
    {TO(2), INVITE(",'third_party_invite':{'signed':{}}"), "e"},
    {FROM(8), INVITE(",'third_party_invite':{},'join_authorised_via_users_server':'@a:a'"), "a!"},
    {FROM(3), "{'type':'x','sender':'@u:u','content':{'membership':'invite','third_party_invite':{}}}", "u"},
    {FROM(3),
     "{'type':'m.room.member','sender':'@u:u','state_key':'@u:u','content':{'membership':'join',"
     "'third_party_invite':{}}}",
     "u"},
};

static void test_signers(void **state)
{
    (void)state;
    const struct room_version *version;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        for (size_t i = 0; i < COUNT(cases); i++) {
            if (!(cases[i].versions & 1 << v))
                continue;
            struct arena *a = arena_new();
            struct case_room room = case_room(a, version, NULL, "");
            struct event event = case_event(&room, case_json(a, cases[i].event));
            struct event_signer signers[EVENT_SIGNERS_MAX];
            size_t count = event_required_signers(&event, signers);
            struct buf got;
            buf_init(&got, 256);
            for (size_t s = 0; s < count; s++) {
                buf_fmt(&got, "%s%.*s%s", s ? " " : "", STR_ARG(signers[s].server_name),
                        signers[s].rejected ? "!" : "");
                const char *rule =
                    version->auth_numbers == AUTH_NUMBERS_V12 ? "auth rule 5.2.1: " : "auth rule 4.2.1: ";
                const char *prefix = signers[s].rejected ? rule : "check 2: ";
                assert_int_equal(strncmp(signers[s].refused, prefix, strlen(prefix)), 0);
            }
            if (!str_eq(buf_str(&got), str_of(cases[i].want)))
                fail_msg("version %.*s, case %zu: got %.*s, want %s", STR_ARG(version->name), i, STR_ARG(buf_str(&got)),
                         cases[i].want);
            buf_fini(&got);
            arena_free(&a);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_signers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
