#include "store/state_node.h"

#include <string.h>

#include "check.h"

static void check_round_trip(const struct state_node *node, int64_t near, const char *name)
{
    struct state_node_bytes bytes, again;
    struct state_node got;
    state_node_encode(node, &bytes);
    check_case(bytes.near == near, name);
    check_case(state_node_decode((struct str){bytes.p, bytes.n}, &got), name);
    check_case(got.is_leaf == node->is_leaf && got.count == node->count, name);
    state_node_encode(&got, &again);
    check_case(again.n == bytes.n && memcmp(again.p, bytes.p, bytes.n) == 0, name);
    for (size_t n = 0; n < bytes.n; n++)
        check_case(!state_node_decode((struct str){bytes.p, n}, &got), name);
    bytes.p[bytes.n] = 0;
    check_case(!state_node_decode((struct str){bytes.p, bytes.n + 1}, &got), name);
}

static void round_trips(void **state)
{
    (void)state;
    struct state_node leaf = {.is_leaf = true, .count = 1, .entries = {{1, 1}}};
    check_round_trip(&leaf, 1, "smallest leaf");
    leaf = (struct state_node){.is_leaf = true, .count = 3, .entries = {{5, 900}, {6, 1000}, {INT64_MAX, 1}}};
    check_round_trip(&leaf, 1000, "large key");
    leaf.count = STATE_LEAF_MAX;
    for (int i = 0; i < STATE_LEAF_MAX; i++)
        leaf.entries[i] = (struct state_entry){((int64_t)1 << 57) * (i + 1), i ? 1 : INT64_MAX};
    check_round_trip(&leaf, INT64_MAX, "largest leaf");
    struct state_node branch = {.count = STATE_LEAF_MAX + 1, .children = {[3] = 7, [15] = 70000}};
    check_round_trip(&branch, -70000, "two children");
    branch.count = INT64_MAX;
    for (int i = 0; i < STATE_FANOUT; i++)
        branch.children[i] = i ? 1 : INT64_MAX;
    check_round_trip(&branch, -INT64_MAX, "largest branch");
}

static const struct {
    const char *name;
    struct str bytes;
    bool want;
} cases[] = {
    {"leaf", STR_INIT("\x05\x09\x01\x02\x01\x00"), true},
    {"nothing", {NULL, 0}, false},
    {"leaf of nothing", STR_INIT("\x01\x00"), false},
    {"leaf of 33", STR_INIT("\x43\x09\x01\x00"), false},
    {"neither leaf nor branch", STR_INIT("\x02\x09\x01\x00"), false},
    {"base is no entry's", STR_INIT("\x03\x09\x01\x02"), false},
    {"event 0", STR_INIT("\x05\x09\x01\x00\x01\x09"), false},
    {"event below 0", STR_INIT("\x05\x09\x01\x00\x01\x0a"), false},
    {"key 0", STR_INIT("\x03\x09\x00\x00"), false},
    {"a key twice", STR_INIT("\x05\x09\x01\x00\x00\x01"), false},
    {"number longer than it need be", STR_INIT("\x03\x89\x00\x01\x00"), false},
    {"number of ten bytes", STR_INIT("\x03\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01\x01\x00"), false},
    {"keys beyond 63 bits", STR_INIT("\x05\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x00\x01\x00"), false},
    {"branch", STR_INIT("\x00\x09\x21\x01\x80\x01\x00"), true},
    {"branch that should be a leaf", STR_INIT("\x00\x09\x20\x01\x80\x01\x00"), false},
    {"branch without children", STR_INIT("\x00\x09\x21\x00\x00"), false},
    {"child 0", STR_INIT("\x00\x09\x21\x01\x80\x09\x00"), false},
    {"a child too few", STR_INIT("\x00\x09\x21\x01\x80\x00"), false},
    {"a byte too many", STR_INIT("\x00\x09\x21\x01\x80\x01\x00\x00"), false},
};

static void bytes_are_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct state_node node;
        check_case(state_node_decode(cases[i].bytes, &node) == cases[i].want, cases[i].name);
    }
}

/* Keys that follow one another, as they do, fall evenly on the slots of each level. */
static void keys_are_mixed(void **state)
{
    (void)state;
    for (int level = 0; level < STATE_LEVELS; level++) {
        int counts[STATE_FANOUT] = {0};
        for (int64_t key = 1; key <= 16000; key++)
            counts[state_node_slot(key, level)]++;
        for (int s = 0; s < STATE_FANOUT; s++)
            assert_in_range(counts[s], 800, 1200);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trips),
        cmocka_unit_test(bytes_are_checked),
        cmocka_unit_test(keys_are_mixed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
