#include "service/device.h"
#include "store/devices.h"

#include <string.h>

#include "world.h"

static struct str list_text(struct world *w, const struct caller *caller)
{
    const struct json *answer = NULL;
    assert_int_equal(device_list(&w->services, w->arena, caller, &answer).code, ERRCODE_NONE);
    return json_text(w->arena, answer);
}

static void lists_gets_renames(void **state)
{
    struct world w;
    const struct json *device = NULL;
    (void)state;
    world_init(&w, NULL);
    struct account_info alice = world_user(&w, STR("alice"));
    struct account_info bob = world_user(&w, STR("bob"));
    struct session session = world_login(&w, alice.user_nid, STR("ONE"), false);
    world_login(&w, alice.user_nid, STR("TWO"), false);
    world_login(&w, bob.user_nid, STR("BOBS"), false);
    struct caller caller = world_caller(&w, session.access_token);
    check_str(list_text(&w, &caller),
              STR("{\"devices\":[{\"device_id\":\"ONE\",\"display_name\":\"phone\",\"last_seen_ip\":null,\"last_seen_"
                  "ts\":null},"
                  "{\"device_id\":\"TWO\",\"display_name\":\"phone\",\"last_seen_ip\":null,\"last_seen_ts\":null}]}"),
              "list");

    assert_int_equal(device_rename(&w.services, &caller, STR("TWO"), STR("tablet")).code, ERRCODE_NONE);
    assert_int_equal(device_rename(&w.services, &caller, STR("ONE"), (struct str){0}).code, ERRCODE_NONE);
    assert_int_equal(device_rename(&w.services, &caller, STR("BOBS"), STR("x")).code, M_NOT_FOUND);
    assert_int_equal(device_rename(&w.services, &caller, STR("BOBS"), (struct str){0}).code, M_NOT_FOUND);
    assert_int_equal(device_get(&w.services, w.arena, &caller, STR("TWO"), &device).code, ERRCODE_NONE);
    check_str(json_str_at(device, STR("display_name")), STR("tablet"), "renamed");
    assert_int_equal(device_get(&w.services, w.arena, &caller, STR("ONE"), &device).code, ERRCODE_NONE);
    check_str(json_str_at(device, STR("display_name")), STR("phone"), "kept");
    assert_int_equal(device_get(&w.services, w.arena, &caller, STR("BOBS"), &device).code, M_NOT_FOUND);
    world_fini(&w);
}

static void deleting_takes_the_tokens(void **state)
{
    struct world w;
    struct caller caller;
    (void)state;
    world_init(&w, NULL);
    struct account_info alice = world_user(&w, STR("alice"));
    struct account_info bob = world_user(&w, STR("bob"));
    struct session one = world_login(&w, alice.user_nid, STR("ONE"), true);
    struct session two = world_login(&w, alice.user_nid, STR("TWO"), false);
    struct session bobs = world_login(&w, bob.user_nid, STR("BOBS"), false);
    world_caller(&w, one.access_token);
    struct str ids[] = {STR("ONE"), STR("BOBS"), STR("NOBODYS")};
    struct device_deletion deletion = {.user_nid = alice.user_nid, .device_ids = ids, .count = COUNT_OF(ids)};
    assert_int_equal(device_delete(&w.services, &deletion).code, ERRCODE_NONE);
    assert_int_equal(account_authenticate(&w.services, w.arena, one.access_token, &caller).code, M_UNKNOWN_TOKEN);
    assert_int_equal(account_session_refresh(&w.services, w.arena, one.refresh_token, &one).code, M_UNKNOWN_TOKEN);
    world_caller(&w, two.access_token);
    world_caller(&w, bobs.access_token);

    one = world_login(&w, alice.user_nid, STR("ONE"), false);
    deletion = (struct device_deletion){.user_nid = alice.user_nid};
    assert_int_equal(device_delete(&w.services, &deletion).code, ERRCODE_NONE);
    world_caller(&w, bobs.access_token);
    assert_int_equal(account_authenticate(&w.services, w.arena, one.access_token, &caller).code, M_UNKNOWN_TOKEN);
    assert_int_equal(account_authenticate(&w.services, w.arena, two.access_token, &caller).code, M_UNKNOWN_TOKEN);
    world_fini(&w);
}

/* When the device was last seen, as the database has it. */
static int64_t stored_ts(struct world *w, int64_t user_nid, struct str device_id)
{
    struct device_row row = {0};
    struct store_tx *tx = store_read_begin(w->services.store);
    assert_true(devices_find(tx, user_nid, device_id, w->arena, &row));
    assert_true(store_read_end(&tx));
    return row.last_seen_ts;
}

static void sightings_are_written_now_and_then(void **state)
{
    struct world w;
    const struct json *device = NULL;
    int64_t ts = 0;
    (void)state;
    world_init(&w, NULL);
    struct account_info alice = world_user(&w, STR("alice"));
    struct session session = world_login(&w, alice.user_nid, STR("ONE"), false);
    struct caller caller = world_caller(&w, session.access_token);
    device_seen(&w.services, &caller, STR("192.0.2.1"));
    assert_int_equal(device_get(&w.services, w.arena, &caller, STR("ONE"), &device).code, ERRCODE_NONE);
    assert_true(json_int_at(device, STR("last_seen_ts"), &ts)); /* who asks is told what is not on disk yet, too */
    assert_int_equal(ts, *world_clock());
    check_str(json_str_at(device, STR("last_seen_ip")), STR("192.0.2.1"), "address");
    assert_int_equal(device_list(&w.services, w.arena, &caller, &device).code, ERRCODE_NONE);
    assert_true(json_int_at(&json_get(device, STR("devices"))->items[0], STR("last_seen_ts"), &ts));
    assert_int_equal(ts, *world_clock());
    assert_int_equal(stored_ts(&w, alice.user_nid, STR("ONE")), 0); /* reading writes nothing */

    *world_clock() += 10 * 60 * 1000;
    device_seen(&w.services, &caller, STR("192.0.2.2"));
    assert_int_equal(device_get(&w.services, w.arena, &caller, STR("ONE"), &device).code, ERRCODE_NONE);
    assert_true(json_int_at(device, STR("last_seen_ts"), &ts));
    assert_int_equal(ts, *world_clock());
    check_str(json_str_at(device, STR("last_seen_ip")), STR("192.0.2.2"), "address");
    assert_int_equal(stored_ts(&w, alice.user_nid, STR("ONE")), *world_clock());

    *world_clock() += 1000;
    device_seen(&w.services, &caller, STR("192.0.2.3"));
    assert_int_equal(device_get(&w.services, w.arena, &caller, STR("ONE"), &device).code, ERRCODE_NONE);
    check_str(json_str_at(device, STR("last_seen_ip")), STR("192.0.2.3"), "newer than on disk");
    world_fini(&w);
}

static void long_names_are_cut_at_a_character(void **state)
{
    char name[DEVICE_NAME_MAX + 10];
    (void)state;
    memset(name, 'a', sizeof name);
    memcpy(name + DEVICE_NAME_MAX - 1, "\xc3\xa9", 2);
    assert_int_equal(device_name_cut((struct str){name, sizeof name}).n, DEVICE_NAME_MAX - 1);
    assert_int_equal(device_name_cut((struct str){name, 5}).n, 5);
    assert_null(device_name_cut((struct str){0}).p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_gets_renames),
        cmocka_unit_test(deleting_takes_the_tokens),
        cmocka_unit_test(sightings_are_written_now_and_then),
        cmocka_unit_test(long_names_are_cut_at_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
