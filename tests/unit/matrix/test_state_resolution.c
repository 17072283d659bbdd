/*
 * State resolution against a textbook version of itself, on random rooms (state_resolution_random.h).
 *
 * STATE_RESOLUTION_ROOMS says how many rooms of each version, STATE_RESOLUTION_SEED which is the first, and
 * STATE_RESOLUTION_VERSION which version alone.
 */
#include "matrix/state_resolution.h"
#include "matrix/state_resolution_given.h"
#include "matrix/state_resolution_random.h"

#include <stdio.h>

#include "testing.h"

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    uint64_t value;
    return text && str_to_u64(str_of(text), &value) ? value : otherwise;
}

/* What the rooms had in them, to see that they have what they should. */
struct tally {
    uint64_t rooms, events, rejected, conflicted, difference, subgraph, unlike_first;
};

static void count_room(struct tally *tally, const struct book_room *room, const struct book_set *states, int n,
                       const struct book_set *want)
{
    struct book_set *chains = book_auth_chains(room);
    struct book_set conflicted = book_conflicted(room, states, n);
    struct book_set difference = book_auth_difference(room, chains, states, n);
    struct book_set subgraph = book_subgraph(room, chains, &conflicted);
    tally->rooms++;
    tally->events += (uint64_t)room->count;
    tally->unlike_first += memcmp(want, &states[0], sizeof(*want)) != 0;
    for (int e = 0; e < room->count; e++) {
        tally->rejected += room->events[e].rejected;
        tally->conflicted += conflicted.has[e];
        tally->difference += difference.has[e] && !conflicted.has[e];
        tally->subgraph += subgraph.has[e] && !conflicted.has[e] && !difference.has[e];
    }
}

/* Each room is resolved in several ways that must not matter. */
static void check_room(struct arena *a, const struct room_version *version, uint64_t seed, struct tally *tally)
{
    static const struct given_way ways[] = {
        {.ordered = true},
        {.ordered = true, .shuffle_sets = true},
        {.ordered = false, .shuffle_sets = true, .shuffle_numbers = true},
        {.index = true, .shuffle_sets = true, .shuffle_numbers = true},
    };
    struct book_room *room = ARENA_NEW(a, struct book_room);
    *room = (struct book_room){.arena = a, .version = version};
    struct book_set states[BOOK_SETS_MAX];
    int n = random_room(seed, room, states);
    struct book_set want = book_resolve(room, states, n);
    for (size_t i = 0; i < COUNT(ways); i++) {
        struct random random = {seed + i};
        struct book_set got = given_resolve(room, states, n, ways[i], &random);
        if (memcmp(&got, &want, sizeof(want)) == 0)
            continue;
        given_print_difference(room, &got, &want);
        fail_msg("version %.*s, seed %llu, way %zu", STR_ARG(version->name), (unsigned long long)seed, i);
    }
    count_room(tally, room, states, n, &want);
}

static void check_version(const char *name)
{
    uint64_t rooms = from_environment("STATE_RESOLUTION_ROOMS", 250);
    uint64_t first = from_environment("STATE_RESOLUTION_SEED", 1);
    const char *only = getenv("STATE_RESOLUTION_VERSION");
    if (only && strcmp(only, name) != 0)
        return;
    struct arena *a = arena_new();
    struct tally tally = {0};
    for (uint64_t seed = first; seed < first + rooms; seed++) {
        check_room(a, room_version_find(str_of(name)), seed, &tally);
        arena_reset(a);
    }
    arena_free(&a);
    printf("version %s: %llu rooms; each has %.1f events (%.1f rejected), %.1f conflicted, %.1f more in the auth "
           "difference, %.1f more in the subgraph; %.0f%% differ from set 0\n",
           name, (unsigned long long)tally.rooms, (double)tally.events / (double)rooms,
           (double)tally.rejected / (double)rooms, (double)tally.conflicted / (double)rooms,
           (double)tally.difference / (double)rooms, (double)tally.subgraph / (double)rooms,
           100.0 * (double)tally.unlike_first / (double)rooms);
    /* Rooms without disagreement would prove nothing. */
    assert_true(rooms < 100 || (tally.conflicted > 2 * rooms && tally.difference > rooms / 2 &&
                                tally.unlike_first > rooms / 2 && tally.rejected > rooms / 4));
}

static void test_version_1(void **state)
{
    (void)state;
    check_version("1");
}

static void test_version_2(void **state)
{
    (void)state;
    check_version("2");
}

static void test_version_6(void **state)
{
    (void)state;
    check_version("6");
}

static void test_version_10(void **state)
{
    (void)state;
    check_version("10");
}

static void test_version_11(void **state)
{
    (void)state;
    check_version("11");
}

static void test_version_12(void **state)
{
    (void)state;
    check_version("12");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version_1),  cmocka_unit_test(test_version_2),  cmocka_unit_test(test_version_6),
        cmocka_unit_test(test_version_10), cmocka_unit_test(test_version_11), cmocka_unit_test(test_version_12),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
