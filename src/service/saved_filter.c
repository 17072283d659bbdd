#include "service/saved_filter.h"

#include "crypto/hash.h"
#include "matrix/filter.h"
#include "service/storage.h"
#include "store/filters.h"

struct adding {
    int64_t user_nid;
    struct str content;
    struct str hash;
    int64_t filter_nid;
    struct fault refused;
};

static bool add_run(struct store_tx *tx, void *arg)
{
    struct adding *adding = arg;
    adding->filter_nid = filters_find(tx, adding->user_nid, adding->hash);
    if (adding->filter_nid)
        return true;
    adding->refused = FAULT(M_FORBIDDEN, "Too many filters are kept for you");
    if (filters_count(tx, adding->user_nid) >= SAVED_FILTERS_MAX)
        return false;
    adding->refused = FAULT(M_TOO_LARGE, "The filters that are kept for you have 2 MiB already");
    if (filters_bytes(tx, adding->user_nid) + (int64_t)adding->content.n > SAVED_FILTERS_BYTES_MAX)
        return false;
    adding->filter_nid = filters_insert(tx, adding->user_nid, adding->hash, adding->content);
    return true;
}

struct fault saved_filter_add(const struct services *s, struct arena *a, int64_t user_nid, const struct json *filter,
                              struct str *filter_id_out)
{
    struct sync_filter checked;
    struct fault fault = sync_filter_read(a, filter, &checked);
    if (fault.code)
        return fault;
    uint8_t hash[SHA256_SIZE];
    struct adding adding = {.user_nid = user_nid, .content = json_text(a, filter)};
    if (adding.content.n > SAVED_FILTER_MAX)
        return FAULT(M_TOO_LARGE, "A filter may have at most 64 KiB");
    hash_sha256(adding.content, hash);
    adding.hash = (struct str){(const char *)hash, sizeof hash};
    fault = storage_write(s, (struct store_job){.run = add_run, .arg = &adding}, &adding.refused);
    *filter_id_out = str_fmt(a, "%lld", (long long)adding.filter_nid);
    return fault;
}

struct fault saved_filter_get(const struct services *s, struct arena *a, int64_t user_nid, struct str filter_id,
                              const struct json **out)
{
    int64_t filter_nid = 0;
    struct str content = {0};
    if (str_to_i64(filter_id, &filter_nid)) {
        struct store_tx *tx = store_read_begin(s->store);
        content = filters_get(tx, user_nid, filter_nid, a);
        struct fault fault = storage_read_end(&tx);
        if (fault.code)
            return fault;
    }
    *out = content.p ? json_parse(a, content, JSON_DEPTH_MAX).value : NULL;
    return *out ? FAULT_NONE : FAULT(M_NOT_FOUND, "You have no filter of this id");
}
