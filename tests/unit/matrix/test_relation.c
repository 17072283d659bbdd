/* "Forming relationships between events", "Validity of replacement events", "Validation of m.thread relationships". */
#include "matrix/event_stored.h"
#include "matrix/relation.h"

#include "check.h"

static struct event event_of(struct arena *a, const char *text)
{
    struct event event;
    struct str copy = str_copy(a, str_of(text));
    char *p = arena_alloc(a, copy.n + 1);
    for (size_t i = 0; i < copy.n; i++)
        p[i] = copy.p[i] == '\'' ? '"' : copy.p[i];
    assert_true(event_read_stored(a, room_version_find(STR("11")), STR("$e"), (struct str){p, copy.n}, &event));
    return event;
}

static void test_schema(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        enum relation_kind want;
    } cases[] = {
        {"{}", RELATION_NONE},
        {"{'m.relates_to':{'rel_type':'m.replace','event_id':'$p'}}", RELATION_REPLACE},
        {"{'m.relates_to':{'rel_type':'m.thread','event_id':'$p','is_falling_back':true}}", RELATION_THREAD},
        {"{'m.relates_to':{'rel_type':'m.reference','event_id':'$p'}}", RELATION_REFERENCE},
        {"{'m.relates_to':{'rel_type':'m.annotation','event_id':'$p','key':'x'}}", RELATION_ANNOTATION},
        {"{'m.relates_to':{'rel_type':'m.annotation','event_id':'$p'}}", RELATION_ANNOTATION},
        {"{'m.relates_to':{'rel_type':'org.example','event_id':'$p'}}", RELATION_OTHER},
        {"{'m.relates_to':{'m.in_reply_to':{'event_id':'$p'}}}", RELATION_NONE},
        {"{'m.relates_to':{'rel_type':'m.thread'}}", RELATION_NONE},
        {"{'m.relates_to':{'event_id':'$p'}}", RELATION_NONE},
        {"{'m.relates_to':{'rel_type':7,'event_id':'$p'}}", RELATION_NONE},
        {"{'m.relates_to':{'rel_type':'m.thread','event_id':['$p']}}", RELATION_NONE},
        {"{'m.relates_to':{'rel_type':'','event_id':'$p'}}", RELATION_NONE},
        {"{'m.relates_to':{'rel_type':'m.thread','event_id':''}}", RELATION_NONE},
        {"{'m.relates_to':[{'rel_type':'m.thread','event_id':'$p'}]}", RELATION_NONE},
        {"{'m.relates_to':'m.thread'}", RELATION_NONE},
    };
    struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str text = str_fmt(a, "{'type':'m.room.message','sender':'@a:b','content':%s}", cases[i].content);
        struct event event = event_of(a, str_cstr(a, text));
        struct relation relation = relation_of(&event);
        if (relation.kind != cases[i].want)
            fail_msg("%s: got %d, want %d", cases[i].content, relation.kind, cases[i].want);
        assert_true(relation_may_be_root(&event) == (relation.kind == RELATION_NONE));
        if (relation.kind != RELATION_NONE)
            check_str(relation.event_id, STR("$p"), cases[i].content);
    }
    arena_free(&a);
}

/* A rel_type is compared and stored: no longer than a type may be. */
static void test_long_names(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    for (int n = 255; n <= 256; n++) {
        enum relation_kind want = n == 255 ? RELATION_OTHER : RELATION_NONE;
        struct event long_type = event_of(
            a, str_cstr(a, str_fmt(a, "{'content':{'m.relates_to':{'event_id':'$p','rel_type':'%0*d'}}}", n, 1)));
        struct event long_id = event_of(
            a, str_cstr(a, str_fmt(a, "{'content':{'m.relates_to':{'event_id':'%0*d','rel_type':'x'}}}", n, 1)));
        assert_int_equal(relation_of(&long_type).kind, want);
        assert_int_equal(relation_of(&long_id).kind, want);
    }
    arena_free(&a);
}

#define EDIT(type, sender, more, content)                                                                              \
    "{'type':'" type "','sender':'" sender "'" more                                                                    \
    ",'content':{'m.relates_to':{'rel_type':'m.replace','event_id':'$p'}" content "}}"
#define NEW ",'m.new_content':{'body':'x'}"

static void test_replacements(void **state)
{
    (void)state;
    static const char message[] = "{'type':'m.room.message','sender':'@a:b','content':{'body':'y'}}";
    static const struct {
        const char *name, *original, *replacement;
        bool want;
    } cases[] = {
        {"an edit", message, EDIT("m.room.message", "@a:b", "", NEW), true},
        {"of another's message", message, EDIT("m.room.message", "@c:b", "", NEW), false},
        {"of another type", message, EDIT("m.sticker", "@a:b", "", NEW), false},
        {"by a state event", message, EDIT("m.room.message", "@a:b", ",'state_key':''", NEW), false},
        {"of a state event", "{'type':'m.room.topic','state_key':'','sender':'@a:b','content':{}}",
         EDIT("m.room.topic", "@a:b", "", NEW), false},
        {"without new content", message, EDIT("m.room.message", "@a:b", "", ""), false},
        {"new content that is none", message, EDIT("m.room.message", "@a:b", "", ",'m.new_content':7"), false},
        {"of an edit", EDIT("m.room.message", "@a:b", "", NEW), EDIT("m.room.message", "@a:b", "", NEW), false},
        {"of an event in a thread",
         "{'type':'m.room.message','sender':'@a:b','content':{'m.relates_to':{'rel_type':'m.thread','event_id':'$r'}}}",
         EDIT("m.room.message", "@a:b", "", NEW), true},
        {"of what is encrypted", "{'type':'m.room.encrypted','sender':'@a:b','content':{}}",
         EDIT("m.room.encrypted", "@a:b", "", ""), true},
        {"no m.replace", message,
         "{'type':'m.room.message','sender':'@a:b','content':{'m.relates_to':{'rel_type':'m.reference',"
         "'event_id':'$p'}" NEW "}}",
         false},
    };
    struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct event original = event_of(a, cases[i].original);
        struct event replacement = event_of(a, cases[i].replacement);
        check_case(relation_is_replacement(&replacement, &original) == cases[i].want, cases[i].name);
    }
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_replacements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
