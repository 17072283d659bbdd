#include "store/row_cache.h"

#include "scratch.h"

/* A row with a number: its key and its value are made from it. */
struct made {
    char key[32], value[64];
};

static void make(struct made *m, int64_t nid)
{
    snprintf(m->key, sizeof m->key, "key %lld", (long long)nid);
    snprintf(m->value, sizeof m->value, "value of %lld", (long long)nid);
}

static void put(struct row_cache *cache, struct store_tx *tx, int64_t nid)
{
    struct made m;
    make(&m, nid);
    row_cache_put(cache, tx, nid, str_of(m.key), str_of(m.value));
}

static bool holds(struct row_cache *cache, int64_t nid)
{
    struct made m;
    struct row_cache_bytes got;
    make(&m, nid);
    if (!row_cache_get(cache, str_of(m.key), &got))
        return false;
    check_str(((struct str){got.p, got.n}), str_of(m.value), m.key);
    return true;
}

static void is_bounded(void **state)
{
    (void)state;
    struct store *store = scratch_open();
    struct row_cache *cache = row_cache_new(64 << 10);
    struct store_tx *tx = store_read_begin(store);
    for (int64_t nid = 1; nid <= 10000; nid++) {
        put(cache, tx, nid);
        assert_true(holds(cache, nid));
        assert_true(nid < 2 || holds(cache, 1)); /* it is asked for all the time */
        assert_true(row_cache_used(cache) <= 64 << 10);
    }
    assert_false(holds(cache, 2));
    assert_true(row_cache_used(cache) > 48 << 10);
    size_t used = row_cache_used(cache);
    put(cache, tx, 10000);
    assert_int_equal(row_cache_used(cache), used);
    static char large[ROW_CACHE_BYTES_MAX + 1];
    row_cache_put(cache, tx, 1, STR("large"), (struct str){large, sizeof large});
    struct row_cache_bytes got;
    assert_false(row_cache_get(cache, STR("large"), &got));
    row_cache_put(cache, tx, 1, STR("just"), (struct str){large, sizeof large - 1});
    assert_true(row_cache_get(cache, STR("just"), &got));
    row_cache_put(cache, tx, 1, STR("empty"), STR(""));
    assert_true(row_cache_get(cache, STR("empty"), &got) && got.n == 0);
    assert_true(store_read_end(&tx));
    row_cache_free(&cache);
    row_cache_free(&cache);
    store_close(&store);
}

struct write {
    struct row_cache *cache;
    int64_t nid;
    bool keep, fail, at_once;
};

static bool put_in_job(struct store_tx *tx, void *arg)
{
    struct write *w = arg;
    put(w->cache, tx, w->nid);
    assert_true(holds(w->cache, w->nid) == w->at_once);
    if (w->fail)
        sql_fail(tx, "on purpose");
    return w->keep;
}

static void waits_for_the_commit(void **state)
{
    (void)state;
    struct store *store = scratch_open();
    struct row_cache *cache = row_cache_new(64 << 10);
    const struct {
        struct write write;
        enum store_result want;
    } steps[] = {
        {{.nid = 5}, STORE_ABORTED},
        {{.nid = 5, .keep = true, .fail = true}, STORE_FAILED},
        {{.nid = 5, .keep = true}, STORE_OK},
        {{.nid = 4, .at_once = true}, STORE_ABORTED}, /* older than one that is committed: it is committed too */
        {{.nid = 6}, STORE_ABORTED},
    };
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        struct write w = steps[i].write;
        w.cache = cache;
        assert_int_equal(store_write(store, put_in_job, &w), steps[i].want);
        assert_true(holds(cache, w.nid) == (w.at_once || steps[i].want == STORE_OK));
    }
    row_cache_free(&cache);
    store_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_bounded),
        cmocka_unit_test(waits_for_the_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
