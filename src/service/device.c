#include "service/device.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/thread.h"
#include "codec/utf8.h"
#include "service/account.h"
#include "service/account_cache.h"
#include "service/account_login.h"
#include "service/storage.h"
#include "store/devices.h"
#include "store/tokens.h"

#include <stdlib.h>
#include <string.h>

#define NO_SUCH_DEVICE FAULT(M_NOT_FOUND, "You have no device of this id")

#define FLUSH_EVERY_MS ((int64_t)3 * 60 * 1000)
#define SIGHTINGS_MAX  20000
#define ADDRESS_TEXT   46

struct sighting {
    int64_t device_nid;
    int64_t ts;
    char address[ADDRESS_TEXT];
    size_t address_size;
};

/* p == NULL if it is not known. */
static struct str address_of(const struct sighting *sighting, struct arena *a)
{
    struct str address = {sighting->address, sighting->address_size};
    return address.n > 0 ? str_copy(a, address) : (struct str){0};
}

struct device_sightings {
    struct mutex lock;
    struct map_u64 by_device; /* struct sighting, malloc'ed */
    int64_t flush_at_ms;      /* of clock_mono_ms() */
};

struct str device_name_cut(struct str name)
{
    if (name.n <= DEVICE_NAME_MAX)
        return name;
    name.n = DEVICE_NAME_MAX;
    name.n = utf8_valid_length(name);
    return name;
}

/* --- reading --- */

/* What is not on disk yet is true all the same. The addresses in `a`. */
static void add_sightings(const struct services *s, struct arena *a, struct device_row *rows, size_t count)
{
    struct device_sightings *all = s->accounts->sightings;
    mutex_lock(&all->lock);
    for (size_t i = 0; i < count; i++) {
        const struct sighting *sighting = map_u64_get(&all->by_device, (uint64_t)rows[i].device_nid);
        if (!sighting)
            continue;
        rows[i].last_seen_ts = sighting->ts;
        rows[i].last_seen_ip = address_of(sighting, a);
    }
    mutex_unlock(&all->lock);
}

static struct json *device_json(struct arena *a, const struct device_row *row)
{
    struct json *device = json_object(a);
    json_set_str(a, device, STR("device_id"), row->device_id);
    /* What is not known is null, not absent: clients demand the keys (matrix-nio refuses the whole list otherwise), and
     * Synapse, by which they were made, answers so. */
    json_set(a, device, STR("display_name"), row->display_name.p ? json_string(row->display_name) : json_null());
    json_set(a, device, STR("last_seen_ts"), row->last_seen_ts ? json_int(row->last_seen_ts) : json_null());
    json_set(a, device, STR("last_seen_ip"), row->last_seen_ip.p ? json_string(row->last_seen_ip) : json_null());
    return device;
}

struct fault device_list(const struct services *s, struct arena *a, const struct caller *caller,
                         const struct json **out)
{
    struct store_tx *tx = store_read_begin(s->store);
    struct device_row *rows = NULL;
    size_t count = devices_list(tx, caller->user_nid, a, &rows);
    struct fault fault = storage_read_end(&tx);
    if (fault.code)
        return fault;
    add_sightings(s, a, rows, count);
    struct json *devices = json_array(a);
    for (size_t i = 0; i < count; i++)
        json_push(a, devices, *device_json(a, &rows[i]));
    struct json *answer = json_object(a);
    json_set(a, answer, STR("devices"), *devices);
    *out = answer;
    return FAULT_NONE;
}

struct fault device_get(const struct services *s, struct arena *a, const struct caller *caller, struct str device_id,
                        const struct json **out)
{
    struct store_tx *tx = store_read_begin(s->store);
    struct device_row row;
    bool found = devices_find(tx, caller->user_nid, device_id, a, &row);
    struct fault fault = storage_read_end(&tx);
    if (fault.code)
        return fault;
    if (!found)
        return NO_SUCH_DEVICE;
    add_sightings(s, a, &row, 1);
    *out = device_json(a, &row);
    return FAULT_NONE;
}

/* --- changing --- */

struct rename {
    int64_t user_nid;
    struct str device_id;
    struct str name;
};

static bool rename_run(struct store_tx *tx, void *arg)
{
    struct rename *rename = arg;
    struct device_row row;
    if (!rename->name.p)
        return devices_find(tx, rename->user_nid, rename->device_id, store_tx_arena(tx), &row);
    return devices_rename(tx, rename->user_nid, rename->device_id, rename->name);
}

struct fault device_rename(const struct services *s, const struct caller *caller, struct str device_id, struct str name)
{
    struct rename rename = {caller->user_nid, device_id, device_name_cut(name)};
    return storage_write(s, (struct store_job){.run = rename_run, .arg = &rename}, &NO_SUCH_DEVICE);
}

void device_remove(struct store_tx *tx, int64_t device_nid)
{
    tokens_delete_of_device(tx, device_nid);
    devices_delete(tx, device_nid);
}

void device_remove_all(struct store_tx *tx, int64_t user_nid, int64_t keep_device_nid)
{
    struct device_row *rows = NULL;
    size_t count = devices_list(tx, user_nid, store_tx_arena(tx), &rows);
    for (size_t i = 0; i < count; i++)
        if (rows[i].device_nid != keep_device_nid)
            device_remove(tx, rows[i].device_nid);
}

struct removal {
    const struct services *s;
    const struct device_deletion *deletion;
    struct fault refused;
};

static bool removal_run(struct store_tx *tx, void *arg)
{
    struct removal *removal = arg;
    const struct device_deletion *deletion = removal->deletion;
    if (deletion->shown_hash.p && !account_login_holds(tx, deletion->user_nid, deletion->shown_hash, &removal->refused))
        return false;
    if (!deletion->device_ids)
        device_remove_all(tx, deletion->user_nid, 0);
    for (size_t i = 0; deletion->device_ids && i < deletion->count; i++) {
        struct device_row row;
        if (devices_find(tx, deletion->user_nid, deletion->device_ids[i], store_tx_arena(tx), &row))
            device_remove(tx, row.device_nid);
    }
    return true;
}

static void removal_committed(void *arg)
{
    struct removal *removal = arg;
    account_cache_drop_user(removal->s->accounts->cache, removal->deletion->user_nid);
}

struct fault device_delete(const struct services *s, const struct device_deletion *deletion)
{
    struct removal removal = {.s = s, .deletion = deletion};
    return storage_write(s, (struct store_job){.run = removal_run, .committed = removal_committed, .arg = &removal},
                         &removal.refused);
}

/* --- when and where devices were last seen --- */

struct device_sightings *device_sightings_new(void)
{
    struct device_sightings *sightings = memory_calloc(1, sizeof *sightings);
    mutex_init(&sightings->lock);
    map_u64_init(&sightings->by_device);
    sightings->flush_at_ms = clock_mono_ms() + FLUSH_EVERY_MS;
    return sightings;
}

static void free_all(struct map_u64 *map)
{
    size_t i = 0;
    struct sighting *sighting;
    while ((sighting = map_u64_next(map, &i)))
        free(sighting);
    map_u64_fini(map);
}

void device_sightings_free(struct device_sightings **sightings)
{
    if (!*sightings)
        return;
    free_all(&(*sightings)->by_device);
    mutex_fini(&(*sightings)->lock);
    free(*sightings);
    *sightings = NULL;
}

void device_seen(const struct services *s, const struct caller *caller, struct str address)
{
    struct device_sightings *all = s->accounts->sightings;
    int64_t now = clock_mono_ms();
    mutex_lock(&all->lock);
    struct sighting *sighting = map_u64_get(&all->by_device, (uint64_t)caller->device_nid);
    if (!sighting) {
        sighting = memory_calloc(1, sizeof *sighting);
        sighting->device_nid = caller->device_nid;
        map_u64_put(&all->by_device, (uint64_t)caller->device_nid, sighting);
    }
    sighting->ts = clock_now_ms();
    sighting->address_size = address.n < ADDRESS_TEXT ? address.n : 0;
    if (sighting->address_size > 0)
        memcpy(sighting->address, address.p, sighting->address_size);
    bool due = now >= all->flush_at_ms || all->by_device.count >= SIGHTINGS_MAX;
    mutex_unlock(&all->lock);
    if (due)
        device_sightings_flush(s);
}

static bool flush_run(struct store_tx *tx, void *arg)
{
    struct map_u64 *map = arg;
    size_t i = 0;
    struct sighting *sighting;
    while ((sighting = map_u64_next(map, &i))) {
        devices_seen(tx, sighting->device_nid, sighting->ts, address_of(sighting, store_tx_arena(tx)));
    }
    return true;
}

void device_sightings_flush(const struct services *s)
{
    struct device_sightings *all = s->accounts->sightings;
    mutex_lock(&all->lock);
    struct map_u64 taken = all->by_device;
    map_u64_init(&all->by_device);
    all->flush_at_ms = clock_mono_ms() + FLUSH_EVERY_MS;
    mutex_unlock(&all->lock);
    /* If it fails the store says why in the log, and the next request of each device says the same again. */
    if (taken.count > 0)
        (void)storage_write(s, (struct store_job){.run = flush_run, .arg = &taken}, NULL);
    free_all(&taken);
}
