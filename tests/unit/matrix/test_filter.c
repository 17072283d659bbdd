#include "matrix/filter.h"

#include <string.h>

#include "auth_case.h"
#include "check.h"

/* --- reading --- */

static void reads_or_refuses(void **state)
{
    static const struct {
        const char *json;
        bool good;
    } cases[] = {
        {"{}", true},
        {"[]", false},
        {"{'event_fields':['type','content.body']}", true},
        {"{'event_fields':'type'}", false},
        {"{'event_fields':[1]}", false},
        {"{'event_format':'client'}", true},
        {"{'event_format':'federation'}", true},
        {"{'event_format':'other'}", false},
        {"{'event_format':1}", false},
        {"{'presence':{'types':['m.presence']},'account_data':{'limit':5}}", true},
        {"{'presence':[]}", false},
        {"{'account_data':{'limit':-1}}", false},
        {"{'account_data':{'limit':1.5}}", false},
        {"{'account_data':{'limit':'1'}}", false},
        {"{'room':[]}", false},
        {"{'room':{'rooms':['!a:b'],'not_rooms':[]}}", true},
        {"{'room':{'rooms':'!a:b'}}", false},
        {"{'room':{'include_leave':1}}", false},
        {"{'room':{'include_leave':true}}", true},
        {"{'room':{'state':{'lazy_load_members':true,'include_redundant_members':false}}}", true},
        {"{'room':{'state':{'lazy_load_members':'yes'}}}", false},
        {"{'room':{'timeline':{'senders':[null]}}}", false},
        {"{'room':{'timeline':{'not_senders':{}}}}", false},
        {"{'room':{'timeline':{'contains_url':1}}}", false},
        {"{'room':{'ephemeral':{'not_types':['*']},'account_data':{'not_rooms':['!a:b']}}}", true},
        {"{'room':{'timeline':{'unread_thread_notifications':true}}}", true},
        {"{'room':{'timeline':{'unread_thread_notifications':[]}}}", false},
        {"{'unknown':{'of':'no concern'}}", true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena *a = arena_new();
        struct sync_filter filter;
        struct fault fault = sync_filter_read(a, case_json(a, cases[i].json), &filter);
        check_case(fault.code == (cases[i].good ? ERRCODE_NONE : M_BAD_JSON), cases[i].json);
        check_case(cases[i].good || fault.message.n > 8, cases[i].json);
        arena_free(&a);
    }
}

static void reads_every_field(void **state)
{
    struct arena *a = arena_new();
    struct sync_filter f;
    (void)state;
    const struct json *json = case_json(
        a, "{'event_format':'federation','room':{'include_leave':true,'rooms':['!a:b'],'not_rooms':['!c:d'],"
           "'state':{'lazy_load_members':true,'include_redundant_members':true},"
           "'timeline':{'limit':7,'contains_url':false,'types':['a'],'not_types':['b'],'senders':['c'],"
           "'not_senders':['d'],'rooms':['e'],'not_rooms':['f'],'unread_thread_notifications':true},"
           "'ephemeral':{'limit':3},'account_data':{'limit':4}},'presence':{'limit':5},'account_data':{'limit':6}}");
    assert_int_equal(sync_filter_read(a, json, &f).code, ERRCODE_NONE);
    assert_true(f.federation_format && f.include_leave && !f.event_fields);
    assert_true(f.room_state.lazy_load_members && f.room_state.include_redundant_members);
    assert_false(f.room_state.has_contains_url);
    const struct event_filter *t = &f.room_timeline;
    assert_true(t->limit == 7 && t->has_contains_url && !t->contains_url && t->unread_thread_notifications);
    const struct json *lists[] = {t->types, t->not_types, t->senders, t->not_senders, t->rooms, t->not_rooms};
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        assert_true(lists[i] && lists[i]->count == 1);
        check_str(lists[i]->items[0].s, str_slice(STR("abcdef"), i, i + 1), "list");
    }
    assert_int_equal(f.room_ephemeral.limit, 3);
    assert_int_equal(f.room_account_data.limit, 4);
    assert_int_equal(f.presence.limit, 5);
    assert_int_equal(f.account_data.limit, 6);
    check_str(f.rooms->items[0].s, STR("!a:b"), "rooms");
    check_str(f.not_rooms->items[0].s, STR("!c:d"), "not_rooms");
    /* No filter at all matches everything. */
    assert_int_equal(sync_filter_read(a, NULL, &f).code, ERRCODE_NONE);
    assert_true(event_filter_match(&f.room_timeline, STR("x"), STR("y"), NULL));
    assert_true(sync_filter_match_room(&f, STR("!a:b")) && !f.federation_format && !f.include_leave);
    arena_free(&a);
}

/* A list as long as a request body allows would cost each event that is asked about. */
static void lists_are_limited(void **state)
{
    struct arena *a = arena_new();
    struct event_filter f;
    struct json *list = json_array(a);
    struct json *filter = json_object(a);
    (void)state;
    for (int i = 0; i < 64; i++)
        json_push(a, list, json_string(STR("t")));
    json_set(a, filter, STR("types"), *list);
    assert_int_equal(event_filter_read(a, filter, &f).code, ERRCODE_NONE);
    json_push(a, list, json_string(STR("t")));
    json_set(a, filter, STR("types"), *list);
    assert_int_equal(event_filter_read(a, filter, &f).code, M_BAD_JSON);
    arena_free(&a);
}

/* --- matching --- */

static void matches(void **state)
{
    static const struct {
        const char *filter;
        const char *type, *sender, *content;
        bool want;
    } cases[] = {
        {"{}", "m.a", "@u:s", "{}", true},
        {"{'types':[]}", "m.a", "@u:s", "{}", false},
        {"{'types':['m.a']}", "m.a", "@u:s", "{}", true},
        {"{'types':['m.a']}", "m.ab", "@u:s", "{}", false},
        {"{'types':['m.a']}", "m", "@u:s", "{}", false},
        {"{'types':['x','m.*']}", "m.ab", "@u:s", "{}", true},
        {"{'types':['m.*']}", "m.", "@u:s", "{}", true},
        {"{'types':['m.*']}", "m", "@u:s", "{}", false},
        {"{'types':['*']}", "", "@u:s", "{}", true},
        {"{'types':['*.b']}", "a.b.c.b", "@u:s", "{}", true},
        {"{'types':['a*b*c']}", "aXbYbZc", "@u:s", "{}", true},
        {"{'types':['a*b*c']}", "aXcYb", "@u:s", "{}", false},
        {"{'types':['a**c']}", "ac", "@u:s", "{}", true},
        {"{'types':['a?c']}", "abc", "@u:s", "{}", false},
        {"{'types':['a.c']}", "abc", "@u:s", "{}", false},
        {"{'types':['']}", "m.a", "@u:s", "{}", false},
        {"{'not_types':[]}", "m.a", "@u:s", "{}", true},
        {"{'not_types':['m.a']}", "m.a", "@u:s", "{}", false},
        {"{'not_types':['m.*']}", "m.a", "@u:s", "{}", false},
        {"{'not_types':['m.b']}", "m.a", "@u:s", "{}", true},
        {"{'types':['m.a'],'not_types':['m.a']}", "m.a", "@u:s", "{}", false},
        {"{'types':['m.*'],'not_types':['m.b']}", "m.a", "@u:s", "{}", true},
        {"{'senders':['@u:s']}", "m.a", "@u:s", "{}", true},
        {"{'senders':['@*']}", "m.a", "@u:s", "{}", false}, /* stars are for types alone */
        {"{'senders':[]}", "m.a", "@u:s", "{}", false},
        {"{'not_senders':['@u:s']}", "m.a", "@u:s", "{}", false},
        {"{'senders':['@u:s'],'not_senders':['@u:s']}", "m.a", "@u:s", "{}", false},
        {"{'not_senders':['@v:s']}", "m.a", "@u:s", "{}", true},
        {"{'contains_url':true}", "m.a", "@u:s", "{'url':'mxc://s/x'}", true},
        {"{'contains_url':true}", "m.a", "@u:s", "{}", false},
        {"{'contains_url':false}", "m.a", "@u:s", "{'url':'mxc://s/x'}", false},
        {"{'contains_url':false}", "m.a", "@u:s", "{'a':{'url':'mxc://s/x'}}", true},
        {"{'types':['m.a'],'senders':['@u:s'],'contains_url':true}", "m.a", "@u:s", "{'url':'x'}", true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena *a = arena_new();
        struct event_filter f;
        assert_int_equal(event_filter_read(a, case_json(a, cases[i].filter), &f).code, ERRCODE_NONE);
        bool got =
            event_filter_match(&f, str_of(cases[i].type), str_of(cases[i].sender), case_json(a, cases[i].content));
        check_case(got == cases[i].want, cases[i].filter);
        arena_free(&a);
    }
}

/* As many stars as are allowed, against a long text, take no long time; more are refused. */
static void stars_are_cheap(void **state)
{
    struct arena *a = arena_new();
    (void)state;
    size_t n = 20000;
    char *text = arena_alloc(a, n);
    memset(text, 'a', n);
    struct json *list = json_array(a);
    json_push(a, list, json_string(STR("a*a*a*a*ab")));
    struct json *filter = json_object(a);
    json_set(a, filter, STR("types"), *list);
    struct event_filter f;
    assert_int_equal(event_filter_read(a, filter, &f).code, ERRCODE_NONE);
    assert_false(event_filter_match(&f, (struct str){text, n}, STR("@u:s"), NULL));
    json_push(a, list, json_string(STR("a*a*a*a*a*b")));
    json_set(a, filter, STR("types"), *list);
    assert_int_equal(event_filter_read(a, filter, &f).code, M_BAD_JSON);
    arena_free(&a);
}

static void matches_rooms(void **state)
{
    static const struct {
        const char *filter;
        bool want;
    } cases[] = {
        {"{}", true},
        {"{'rooms':['!r:s']}", true},
        {"{'rooms':['!q:s']}", false},
        {"{'rooms':[]}", false},
        {"{'not_rooms':['!r:s']}", false},
        {"{'not_rooms':['!q:s']}", true},
        {"{'rooms':['!r:s'],'not_rooms':['!r:s']}", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena *a = arena_new();
        struct event_filter f;
        struct sync_filter whole;
        const struct json *json = case_json(a, cases[i].filter);
        struct json *outer = json_object(a);
        json_set(a, outer, STR("room"), *json);
        assert_int_equal(event_filter_read(a, json, &f).code, ERRCODE_NONE);
        assert_int_equal(sync_filter_read(a, outer, &whole).code, ERRCODE_NONE);
        check_case(event_filter_match_room(&f, STR("!r:s")) == cases[i].want, cases[i].filter);
        check_case(sync_filter_match_room(&whole, STR("!r:s")) == cases[i].want, cases[i].filter);
        arena_free(&a);
    }
}

/* --- event_fields --- */

static void fields(void **state)
{
    static const char event[] = "{'type':'t','event_id':'$e','content':{'body':'b','info':{'w':1,'h':2},"
                                "'m.relates_to':{'rel_type':'r'},'a\\\\b':3},'unsigned':{'age':1}}";
    static const struct {
        const char *filter;
        const char *want;
    } cases[] = {
        {"{}", event},
        {"{'event_fields':[]}", "{}"},
        {"{'event_fields':['type']}", "{'type':'t'}"},
        {"{'event_fields':['type','none','content.none']}", "{'type':'t','content':{}}"},
        {"{'event_fields':['content.body']}", "{'content':{'body':'b'}}"},
        {"{'event_fields':['content.info.w','content.body','type']}",
         "{'type':'t','content':{'body':'b','info':{'w':1}}}"},
        {"{'event_fields':['content.info.w','content.info.h']}", "{'content':{'info':{'w':1,'h':2}}}"},
        {"{'event_fields':['content.info','content.info.w']}", "{'content':{'info':{'w':1,'h':2}}}"},
        {"{'event_fields':['content.info.w','content.info']}", "{'content':{'info':{'w':1,'h':2}}}"},
        {"{'event_fields':['content.m\\\\.relates_to.rel_type']}", "{'content':{'m.relates_to':{'rel_type':'r'}}}"},
        {"{'event_fields':['content.m.relates_to']}", "{'content':{}}"},
        {"{'event_fields':['content.a\\\\\\\\b']}", "{'content':{'a\\\\b':3}}"},
        {"{'event_fields':['type.more']}", "{}"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena *a = arena_new();
        struct sync_filter f;
        const struct json *original = case_json(a, event);
        assert_int_equal(sync_filter_read(a, case_json(a, cases[i].filter), &f).code, ERRCODE_NONE);
        const struct json *got = sync_filter_fields(a, &f, original);
        check_str(json_text(a, got), json_text(a, case_json(a, cases[i].want)), cases[i].filter);
        assert_true(json_eq(original, case_json(a, event)));
        arena_free(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_or_refuses), cmocka_unit_test(reads_every_field), cmocka_unit_test(lists_are_limited),
        cmocka_unit_test(matches),          cmocka_unit_test(stars_are_cheap),   cmocka_unit_test(matches_rooms),
        cmocka_unit_test(fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
