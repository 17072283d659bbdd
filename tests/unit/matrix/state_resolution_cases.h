/*
 * State resolution: the cases that other projects have published, each written anew as data: the graph, and what comes
 * of it. The comment at each says where the case is from.
 *
 * An event comes after others, and its auth events are those of the state before it, or the ones it says it cites; in
 * versions whose auth events cite m.room.create it is added to these. Events are sent in the order in which they stand,
 * which is that of their time stamps unless they say another. What is resolved are the states after some events, or
 * states that are listed. JSON is written with ' for ".
 */
#ifndef HEARTH_TESTS_UNIT_MATRIX_STATE_RESOLUTION_CASES_H
#define HEARTH_TESTS_UNIT_MATRIX_STATE_RESOLUTION_CASES_H

#include <stddef.h>
#include <stdint.h>

#define CASE_EVENTS_MAX 24
#define CASE_SETS_MAX   4

struct case_event {
    const char *id;
    const char *sender;
    const char *type;
    const char *state_key; /* NULL: no state event */
    const char *content;
    const char *after; /* ids */
    const char *cites; /* ids; NULL: what the state before it offers */
    int64_t ts;        /* 0: in the order of events */
    int64_t depth;     /* 0: 1 */
};

struct resolution_case {
    const char *name;
    const char *versions;
    const struct case_event *base; /* CASE_EVENTS_MAX of them or fewer, ending with one without id */
    struct case_event events[CASE_EVENTS_MAX];
    const char *resolve;               /* the events after which the states are, or NULL */
    const char *states[CASE_SETS_MAX]; /* the states themselves */
    const char *want;                  /* the resolved state */
};

#define ALICE   "@alice:example.com"
#define BOB     "@bob:example.com"
#define CHARLIE "@charlie:example.com"
#define EVELYN  "@evelyn:example.com"
#define ZARA    "@zara:example.com"

/* After the content: .after, .cites, .ts, .depth. */
#define EVENT(name, user, kind, key, json, ...)                                                                        \
    {                                                                                                                  \
        .id = name, .sender = user, .type = kind, .state_key = key, .content = json, .after = __VA_ARGS__              \
    }
#define MEMBER(id, sender, user, membership, ...)                                                                      \
    EVENT(id, sender, "m.room.member", user, "{'membership':'" membership "'}", __VA_ARGS__)
#define JOIN(id, user, ...)           MEMBER(id, user, user, "join", __VA_ARGS__)
#define POWER(id, sender, users, ...) EVENT(id, sender, "m.room.power_levels", "", "{'users':{" users "}}", __VA_ARGS__)
#define RULES(id, sender, rule, ...)  EVENT(id, sender, "m.room.join_rules", "", "{'join_rule':'" rule "'}", __VA_ARGS__)
#define TOPIC(id, sender, ...)        EVENT(id, sender, "m.room.topic", "", "{}", __VA_ARGS__)
#define CREATE                        EVENT("CREATE", ALICE, "m.room.create", "", "{'creator':'" ALICE "'}", "")

#define ALL_OF_V2 "2 3 4 5 6 7 8 9 10 11"

#define A100 "'" ALICE "':100"
#define B100 "'" BOB "':100"
#define B50  "'" BOB "':50"
#define B0   "'" BOB "':0"
#define C50  "'" CHARLIE "':50"
#define C0   "'" CHARLIE "':0"

/* Synapse, tests/state/test_v2.py: what all of its graphs start with. */
static const struct case_event synapse_base[CASE_EVENTS_MAX] = {
    CREATE,
    JOIN("IMA", ALICE, "CREATE"),
    POWER("IPOWER", ALICE, A100, "IMA"),
    RULES("IJR", ALICE, "public", "IPOWER"),
    JOIN("IMB", BOB, "IJR"),
    JOIN("IMC", CHARLIE, "IMB"),
    JOIN("IMZ", ZARA, "IMC"),
};

/* Ruma, ruma-state-res, fixture bootstrap-public-chat.json. */
static const struct case_event ruma_base[CASE_EVENTS_MAX] = {
    CREATE,
    JOIN("00-MA", ALICE, "CREATE"),
    POWER("00-P", ALICE, A100, "00-MA"),
    RULES("00-J", ALICE, "public", "00-P"),
    EVENT("00-H", ALICE, "m.room.history_visibility", "", "{'history_visibility':'shared'}", "00-J"),
    EVENT("00-G", ALICE, "m.room.guest_access", "", "{'guest_access':'forbidden'}", "00-H"),
    JOIN("00-MB", BOB, "00-G"),
    POWER("01-P", ALICE, A100 "," B50, "00-MB"),
};

/* Ruma, fixture bootstrap-private-chat.json. */
static const struct case_event ruma_private_base[CASE_EVENTS_MAX] = {
    CREATE,
    JOIN("00-MA", ALICE, "CREATE"),
    POWER("00-P", ALICE, A100, "00-MA"),
    RULES("00-J", ALICE, "invite", "00-P"),
    EVENT("00-H", ALICE, "m.room.history_visibility", "", "{'history_visibility':'shared'}", "00-J"),
    EVENT("00-G", ALICE, "m.room.guest_access", "", "{'guest_access':'can_join'}", "00-H"),
};

/* MSC4297, "Problem A": Alice made the rules stricter and left, one server still has the old rules. */
static const struct case_event msc4297_a[CASE_EVENTS_MAX] = {
    CREATE,
    JOIN("MA0", ALICE, "CREATE", ""),
    POWER("P0", ALICE, A100, "MA0", "MA0"),
    RULES("J0", ALICE, "public", "P0", "MA0 P0"),
    JOIN("MB0", BOB, "J0", "P0 J0"),
    JOIN("MC0", CHARLIE, "MB0", "P0 J0"),
    RULES("J1", ALICE, "invite", "MC0", "P0 MA0"),
    MEMBER("MA1", ALICE, ALICE, "leave", "J1", "P0 MA0"),
    JOIN("MB1", BOB, "MA1", "P0 MB0 J1"),
    JOIN("MC1", CHARLIE, "MA1", "P0 MC0 J1"),
};
static const struct case_event msc4297_a_v12[CASE_EVENTS_MAX] = {
    CREATE,
    JOIN("MA0", ALICE, "CREATE", ""),
    POWER("P0", ALICE, "", "MA0", "MA0"),
    RULES("J0", ALICE, "public", "P0", "MA0 P0"),
    JOIN("MB0", BOB, "J0", "P0 J0"),
    JOIN("MC0", CHARLIE, "MB0", "P0 J0"),
    RULES("J1", ALICE, "invite", "MC0", "P0 MA0"),
    MEMBER("MA1", ALICE, ALICE, "leave", "J1", "P0 MA0"),
    JOIN("MB1", BOB, "MA1", "P0 MB0 J1"),
    JOIN("MC1", CHARLIE, "MA1", "P0 MC0 J1"),
};

/* MSC4297, "Problem B": power levels that no event of the conflicted state set cites, but that one stands on. */
static const struct case_event msc4297_b[CASE_EVENTS_MAX] = {
    CREATE,
    JOIN("MA0", ALICE, "CREATE", ""),
    POWER("P0", ALICE, A100, "MA0", "MA0"),
    RULES("J0", ALICE, "public", "P0", "MA0 P0"),
    JOIN("MB0", BOB, "J0", "P0 J0"),
    JOIN("MC0", CHARLIE, "MB0", "P0 J0"),
    POWER("P1", ALICE, A100 "," B50, "MC0", "P0 MA0"),
    POWER("P2", BOB, A100 "," B50 "," C50, "P1", "P1 MB0"),
    JOIN("MZ0", ZARA, "P2", "P2 J0"),
    JOIN("ME0", EVELYN, "P2", "P2 J0"),
    JOIN("ME1", EVELYN, "ME0", "P2 ME0 J0"),
};
static const struct case_event msc4297_b_v12[CASE_EVENTS_MAX] = {
    CREATE,
    JOIN("MA0", ALICE, "CREATE", ""),
    POWER("P0", ALICE, "", "MA0", "MA0"),
    RULES("J0", ALICE, "public", "P0", "MA0 P0"),
    JOIN("MB0", BOB, "J0", "P0 J0"),
    JOIN("MC0", CHARLIE, "MB0", "P0 J0"),
    POWER("P1", ALICE, B50, "MC0", "P0 MA0"),
    POWER("P2", BOB, B50 "," C50, "P1", "P1 MB0"),
    JOIN("MZ0", ZARA, "P2", "P2 J0"),
    JOIN("ME0", EVELYN, "P2", "P2 J0"),
    JOIN("ME1", EVELYN, "ME0", "P2 ME0 J0"),
};

#define RUMA_REST "CREATE 00-MA 00-H 00-G "

static const struct resolution_case resolution_cases[] = {
    /* --- Synapse, tests/state/test_v2.py --- */
    {.name = "a ban beats the banned user's power levels (test_ban_vs_pl)",
     .versions = ALL_OF_V2,
     .base = synapse_base,
     .events = {POWER("PA", ALICE, A100 "," B50, "IMZ"), JOIN("MA", ALICE, "PA"), MEMBER("MB", ALICE, BOB, "ban", "MA"),
                POWER("PB", BOB, A100 "," B50, "PA")},
     .resolve = "MB PB",
     .want = "CREATE MA PA IJR MB IMC IMZ"},
    {.name = "a join does not evade new join rules (test_join_rule_evasion)",
     .versions = ALL_OF_V2,
     .base = synapse_base,
     .events = {EVENT("JR", ALICE, "m.room.join_rules", "", "{'join_rules':'private'}", "IMZ"),
                JOIN("ME", EVELYN, "IMZ")},
     .resolve = "JR ME",
     .want = "CREATE IMA IPOWER JR IMB IMC IMZ"},
    {.name = "power levels that build on one another (test_offtopic_pl)",
     .versions = ALL_OF_V2,
     .base = synapse_base,
     .events = {POWER("PA", ALICE, A100 "," B50, "IMZ"), POWER("PB", BOB, A100 "," B50 "," C50, "PA"),
                POWER("PC", CHARLIE, A100 "," B50 "," C0, "PB")},
     .resolve = "PC PA",
     .want = "CREATE IMA PC IJR IMB IMC IMZ"},
    {.name = "a demotion beats what the demoted user did (test_topic_basic)",
     .versions = ALL_OF_V2,
     .base = synapse_base,
     .events = {TOPIC("T1", ALICE, "IMZ"), POWER("PA1", ALICE, A100 "," B50, "T1"),
                POWER("PB", BOB, A100 "," B50, "PA1"), TOPIC("T2", ALICE, "PA1"),
                POWER("PA2", ALICE, A100 "," B0, "T2"), TOPIC("T3", BOB, "PB")},
     .resolve = "PA2 T3",
     .want = "CREATE IMA PA2 IJR IMB IMC IMZ T2"},
    {.name = "the topic of a banned user goes (test_topic_reset)",
     .versions = ALL_OF_V2,
     .base = synapse_base,
     .events = {TOPIC("T1", ALICE, "IMZ"), POWER("PA", ALICE, A100 "," B50, "T1"), TOPIC("T2", BOB, "PA"),
                MEMBER("MB", ALICE, BOB, "ban", "T2")},
     .resolve = "MB T1",
     .want = "CREATE IMA PA IJR MB IMC IMZ T1"},
    {.name = "resolved once, then again (test_topic)",
     .versions = ALL_OF_V2,
     .base = synapse_base,
     .events = {TOPIC("T1", ALICE, "IMZ"), POWER("PA1", ALICE, A100 "," B50, "T1"),
                POWER("PB", BOB, A100 "," B50, "PA1"), TOPIC("T2", ALICE, "PA1"),
                POWER("PA2", ALICE, A100 "," B0, "T2"), TOPIC("T3", BOB, "PB"),
                EVENT("MZ1", ZARA, "m.room.message", NULL, "{}", "PA2 T3"), TOPIC("T4", ALICE, "MZ1")},
     .resolve = "T4 MZ1",
     .want = "CREATE IMA PA2 IJR IMB IMC IMZ T4"},
    {.name = "the mainline decides, not the time (test_mainline_sort)",
     .versions = ALL_OF_V2,
     .base = synapse_base,
     .events = {TOPIC("T1", ALICE, "IMZ"), POWER("PA1", ALICE, A100 "," B50, "T1"),
                POWER("PB", BOB, A100 "," B50, "PA1"), TOPIC("T2", ALICE, "PA1"),
                EVENT("PA2", ALICE, "m.room.power_levels", "",
                      "{'users':{" A100 "," B50 "},'events':{'m.room.power_levels':100}}", "T2"),
                TOPIC("T3", BOB, "PA2"), TOPIC("T4", ALICE, "PB")},
     .resolve = "T3 T4",
     .want = "CREATE IMA PA2 IJR IMB IMC IMZ T3"},
    {.name = "two joins at once both hold (SimpleParamStateTestCase)",
     .versions = ALL_OF_V2 " 12",
     .base = NULL,
     .events = {CREATE, JOIN("IMA", ALICE, "CREATE", ""), RULES("IJR", ALICE, "public", "IMA", "IMA"),
                JOIN("IMB", BOB, "IJR", "IJR"), JOIN("IMC", CHARLIE, "IJR", "IJR")},
     .states = {"CREATE IMA IJR IMB", "CREATE IMA IJR IMC"},
     .want = "CREATE IMA IJR IMB IMC"},

    /* --- Ruma, ruma-state-res, tests/it/resolve.rs --- */
    {.name = "of two equals the later is applied last (origin_server_ts_tiebreak)",
     .versions = ALL_OF_V2,
     .base = ruma_private_base,
     .events = {RULES("02-J", ALICE, "restricted", "00-G", NULL, 6), RULES("01-J", ALICE, "public", "00-G", NULL, 7)},
     .resolve = "01-J 02-J",
     .want = RUMA_REST "00-P 01-J"},
    {.name = "ban and power levels (ban_vs_power_levels)",
     .versions = ALL_OF_V2,
     .base = ruma_base,
     .events = {MEMBER("00-MBB", ALICE, BOB, "ban", "01-P", NULL, 8),
                POWER("02-P", BOB, A100 "," B50, "01-P", NULL, 8)},
     .resolve = "00-MBB 02-P",
     .want = RUMA_REST "01-P 00-J 00-MBB"},
    {.name = "topic and demotion (topic_vs_power_levels)",
     .versions = ALL_OF_V2,
     .base = ruma_base,
     .events = {TOPIC("00-TA", ALICE, "01-P", NULL, 8), TOPIC("01-TB", BOB, "01-P", NULL, 8),
                POWER("02-PA", ALICE, A100 "," B0, "00-TA", NULL, 9)},
     .resolve = "02-PA 01-TB",
     .want = RUMA_REST "02-PA 00-J 00-MB 00-TA"},
    {.name = "two power levels (power_levels_admin_vs_mod)",
     .versions = ALL_OF_V2,
     .base = ruma_base,
     .events = {POWER("02-PA", ALICE, A100 "," B0, "01-P", NULL, 8),
                EVENT("02-PB", BOB, "m.room.power_levels", "", "{'users':{" A100 "," B50 "},'users_default':-1}",
                      "01-P", NULL, 8)},
     .resolve = "02-PA 02-PB",
     .want = RUMA_REST "02-PA 00-J 00-MB"},
    {.name = "topic and ban (topic_vs_ban)",
     .versions = ALL_OF_V2,
     .base = ruma_base,
     .events = {TOPIC("00-T", ALICE, "01-P", NULL, 8), MEMBER("00-MBB", ALICE, BOB, "ban", "00-T", NULL, 8),
                TOPIC("01-T", BOB, "00-T", NULL, 8)},
     .resolve = "00-MBB 01-T",
     .want = RUMA_REST "01-P 00-J 00-MBB 00-T"},
    {.name = "join rules and join (join_rules_vs_join)",
     .versions = ALL_OF_V2,
     .base = ruma_base,
     .events = {POWER("02-P", BOB, A100 "," B50, "01-P", NULL, 8), RULES("01-J", ALICE, "invite", "02-P", NULL, 9),
                JOIN("00-ME", EVELYN, "02-P", NULL, 9)},
     .resolve = "01-J 00-ME",
     .want = RUMA_REST "02-P 01-J 00-MB"},
    {.name = "two joins (concurrent_joins)",
     .versions = ALL_OF_V2,
     .base = ruma_base,
     .events = {JOIN("00-MC", CHARLIE, "01-P", NULL, 8), JOIN("00-ME", EVELYN, "01-P", NULL, 8)},
     .resolve = "00-MC 00-ME",
     .want = RUMA_REST "01-P 00-J 00-MB 00-MC 00-ME"},
    {.name = "version 2 loses the join rules (msc4297_problem_a_state_res_v2_0)",
     .versions = "11",
     .base = msc4297_a,
     .states = {"CREATE P0 MC0 J1 MA1 MB1", "CREATE P0 J0 MB0 MA1 MC1"},
     .want = "CREATE P0 MA1 MB1 MC1"},
    {.name = "version 2.1 keeps the join rules (msc4297_problem_a_state_res_v2_1)",
     .versions = "12",
     .base = msc4297_a_v12,
     .states = {"CREATE P0 MC0 J1 MA1 MB1", "CREATE P0 J0 MB0 MA1 MC1"},
     .want = "CREATE P0 J1 MA1 MB1 MC1"},
    {.name = "version 2 resets power levels (msc4297_problem_b_state_res_v2_0)",
     .versions = "11",
     .base = msc4297_b,
     .states = {"CREATE MA0 P0 J0 MB0 MC0 ME1", "CREATE MA0 J0 MB0 MC0 P2 MZ0"},
     .want = "CREATE MA0 P0 J0 MB0 MC0 ME1 MZ0"},
    {.name = "version 2.1 keeps power levels (msc4297_problem_b_state_res_v2_1)",
     .versions = "12",
     .base = msc4297_b_v12,
     .states = {"CREATE MA0 P0 J0 MB0 MC0 ME1", "CREATE MA0 J0 MB0 MC0 P2 MZ0"},
     .want = "CREATE MA0 P2 J0 MB0 MC0 ME1 MZ0"},

    /* --- Synapse, tests/state/test_v21.py --- */
    {.name = "the subgraph is replayed (test_state_reset_replay_conflicted_subgraph)",
     .versions = "12",
     .base = NULL,
     .events = {CREATE, JOIN("MA", ALICE, "CREATE", ""), POWER("P1", ALICE, "", "MA", "MA"),
                RULES("JR", ALICE, "public", "P1", "MA P1"), JOIN("MB", BOB, "JR", "P1 JR"),
                JOIN("MC", CHARLIE, "MB", "P1 JR"), POWER("P2", ALICE, B50, "MC", "MA P1"),
                POWER("P3", BOB, B50 "," C50, "P2", "MB P2"), JOIN("ME1", EVELYN, "P3", "P3 JR"),
                JOIN("ME2", EVELYN, "ME1", "P1 JR ME1"), JOIN("MZ", ZARA, "P3", "P3 JR")},
     .states = {"CREATE MA MB MC ME2 P1 JR", "CREATE MA MB MC MZ P3 JR"},
     .want = "CREATE MA MB MC ME1 MZ P3 JR"},
    {.name = "the start is empty (test_state_reset_start_empty_set)",
     .versions = "12",
     .base = NULL,
     .events = {CREATE, JOIN("MA1", ALICE, "CREATE", ""), POWER("P", ALICE, B100, "MA1", "MA1"),
                RULES("JR1", ALICE, "public", "P", "MA1 P"), JOIN("MB", BOB, "JR1", "P JR1"),
                RULES("JR2", ALICE, "invite", "MB", "MA1 P"), MEMBER("MA2", ALICE, ALICE, "leave", "JR2", "P MA1")},
     .states = {"CREATE MA2 MB P JR2", "CREATE MA2 MB P JR1"},
     .want = "CREATE MA2 MB P JR2"},

    /* --- Complement, tests/v12_test.go --- */
    {.name = "a creator goes before an administrator above 100 (TestMSC4289PrivilegedRoomCreators)",
     .versions = "12",
     .base = NULL,
     .events = {CREATE, JOIN("MA", ALICE, "CREATE"), POWER("P1", ALICE, "", "MA"), RULES("J1", ALICE, "public", "P1"),
                JOIN("MB", BOB, "J1"), POWER("P2", ALICE, "'" BOB "':9493420", "MB"), RULES("JB", BOB, "knock", "P2"),
                RULES("JA", ALICE, "invite", "P2")},
     .resolve = "JA JB",
     .want = "CREATE MA P2 MB JB"},
    {.name = "one who left cannot be put back by old rules (TestMSC4297StateResolutionV2_1_starts_from_empty_set)",
     .versions = "12",
     .base = NULL,
     .events = {CREATE, JOIN("MA1", ALICE, "CREATE"), POWER("P", ALICE, "", "MA1"), RULES("J1", ALICE, "public", "P"),
                JOIN("MB", BOB, "J1"), JOIN("MC1", CHARLIE, "MB"), RULES("J2", ALICE, "invite", "MC1"),
                MEMBER("MA2", ALICE, ALICE, "leave", "J2"), JOIN("MC2", CHARLIE, "MA2"), JOIN("MC3", CHARLIE, "MC2")},
     .states = {"CREATE MA2 P J2 MB MC2", "CREATE MA2 P J1 MB MC3"},
     .want = "CREATE MA2 P J2 MB MC3"},

    /* --- version 1: gomatrixserverlib, stateresolution_test.go --- */
    {.name = "an equal cannot be demoted (TestStateResV1)",
     .versions = "1",
     .events = {CREATE, JOIN("MA", ALICE, "CREATE", .depth = 2), RULES("J", ALICE, "public", "MA", .depth = 3),
                POWER("P116", ALICE, A100 "," B100, "J", .depth = 7), JOIN("MB", BOB, "P116", .depth = 8),
                POWER("P120", BOB, B100, "MB", .depth = 10)},
     .states = {"CREATE MA J MB P116", "CREATE MA J MB P120"},
     .want = "CREATE MA J MB P116"},
    {.name = "the deepest, then the lowest SHA-1 of the id (TestConflictEventSorter)",
     .versions = "1",
     .events = {CREATE, JOIN("MA", ALICE, "CREATE"), TOPIC("@1:a", ALICE, "MA", .depth = 1),
                TOPIC("@2:a", ALICE, "MA", .depth = 2), TOPIC("@3:b", ALICE, "MA", .depth = 2)},
     .resolve = "@1:a @2:a @3:b",
     .want = "CREATE MA @2:a"},
    {.name = "what only some states have is no conflict (TestSplitConflictedUnconflicted)",
     .versions = "1",
     .events = {CREATE, JOIN("MA", ALICE, "CREATE"), EVENT("A", ZARA, "A", "B", "{}", "MA"),
                EVENT("C", ZARA, "C", "D", "{}", "MA")},
     .states = {"CREATE MA A", "CREATE MA C"},
     .want = "CREATE MA A C"},
    {.name = "the same in version 2 is one, and who is not in the room sets no state",
     .versions = "2",
     .events = {CREATE, JOIN("MA", ALICE, "CREATE"), EVENT("A", ZARA, "A", "B", "{}", "MA"),
                EVENT("C", ZARA, "C", "D", "{}", "MA")},
     .states = {"CREATE MA A", "CREATE MA C"},
     .want = "CREATE MA"},

    /* --- version 1: Synapse, tests/test_state.py --- */
    {.name = "the deeper one (test_standard_depth_conflict)",
     .versions = "1",
     .events = {CREATE, JOIN("MA", ALICE, "CREATE"),
                EVENT("P", ALICE, "m.room.power_levels", "", "{'users':{'" ALICE "':'100'}}", "MA"),
                EVENT("X1", ALICE, "test1", "1", "{}", "P", .depth = 1),
                EVENT("X2", ALICE, "test1", "1", "{}", "P", .depth = 2)},
     .resolve = "X1 X2",
     .want = "CREATE MA P X2"},
    {.name = "the deeper one, the other way round (test_standard_depth_conflict)",
     .versions = "1",
     .events = {CREATE, JOIN("MA", ALICE, "CREATE"),
                EVENT("P", ALICE, "m.room.power_levels", "", "{'users':{'" ALICE "':'100'}}", "MA"),
                EVENT("X1", ALICE, "test1", "1", "{}", "P", .depth = 2),
                EVENT("X2", ALICE, "test1", "1", "{}", "P", .depth = 1)},
     .resolve = "X1 X2",
     .want = "CREATE MA P X1"},
    {.name = "where none passes, the oldest (Synapse's _resolve_normal_events)",
     .versions = "1",
     .events = {CREATE, JOIN("MA", ALICE, "CREATE"), EVENT("X1", ZARA, "test1", "1", "{}", "MA", .depth = 2),
                EVENT("X2", ZARA, "test1", "1", "{}", "MA", .depth = 3)},
     .resolve = "X1 X2",
     .want = "CREATE MA X1"},
};

#define RESOLUTION_CASES (sizeof(resolution_cases) / sizeof(resolution_cases[0]))

#endif
