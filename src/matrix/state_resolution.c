#include "matrix/state_resolution.h"

#include "matrix/auth_rules.h"
#include "matrix/state_resolution_graph.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- keys --- */

enum { KEY_TEXT_MAX = 2 + 2 * EVENT_ID_FIELD_MAX };

/* One text for both parts of a key, in a buffer of KEY_TEXT_MAX; the length of the first tells them apart. */
static struct str key_text(char *buffer, struct str type, struct str state_key)
{
    buffer[0] = (char)(type.n & 0xff);
    if (type.n > 0)
        memcpy(buffer + 1, type.p, type.n);
    if (state_key.n > 0)
        memcpy(buffer + 1 + type.n, state_key.p, state_key.n);
    return (struct str){buffer, 1 + type.n + state_key.n};
}

static struct resolution_key *key_new(struct resolution *r, struct str text, struct str type, struct str state_key)
{
    struct resolution_key *key = ARENA_NEW(r->arena, struct resolution_key);
    *key = (struct resolution_key){.type = str_copy(r->arena, type), .state_key = str_copy(r->arena, state_key)};
    map_str_put(&r->keys, str_copy(r->arena, text), key);
    if (r->key_count == r->key_cap) {
        size_t cap = r->key_cap ? r->key_cap * 2 : 16;
        const size_t size = sizeof(struct resolution_key *);
        r->key_list = arena_grow(r->arena, r->key_list, r->key_cap * size, cap * size);
        r->key_cap = cap;
    }
    r->key_list[r->key_count++] = key;
    return key;
}

/* The key without asking set 0 about it; *is_new says whether it was made now. */
static struct resolution_key *find_key(struct resolution *r, struct str type, struct str state_key, bool *is_new)
{
    char buffer[KEY_TEXT_MAX];
    *is_new = false;
    if (type.n > EVENT_ID_FIELD_MAX || state_key.n > EVENT_ID_FIELD_MAX)
        return NULL;
    struct str text = key_text(buffer, type, state_key);
    struct resolution_key *key = map_str_get(&r->keys, text);
    if (key)
        return key;
    *is_new = true;
    return key_new(r, text, type, state_key);
}

struct resolution_key *state_resolution_key(struct resolution *r, struct str type, struct str state_key)
{
    bool is_new;
    struct resolution_key *key = find_key(r, type, state_key, &is_new);
    if (is_new)
        key->base = r->input->source.state(r->input->source.ctx, type, state_key);
    return key;
}

/* --- unconflicted state map and conflicted state set --- */

static bool bit_get(const uint64_t *mask, size_t bit)
{
    return mask[bit / 64] >> bit % 64 & 1;
}

static void bit_set(uint64_t *mask, size_t bit)
{
    mask[bit / 64] |= UINT64_C(1) << bit % 64;
}

static void bit_clear(uint64_t *mask, size_t bit)
{
    mask[bit / 64] &= ~(UINT64_C(1) << bit % 64);
}

/* The node of an event in state; NULL, and r->status says so, if there is no such event. */
static struct resolution_node *state_event(struct resolution *r, uint64_t number)
{
    struct resolution_node *node = state_resolution_node(r, number);
    const struct event *event = state_resolution_event(r, node);
    if (event && event->has_state_key)
        return node;
    r->status = STATE_RESOLUTION_MISSING_EVENT;
    return NULL;
}

static void add_conflicted(struct resolution *r, struct resolution_key *key, struct resolution_node *node)
{
    if (node->key) {
        assert(node->key == key);
        return;
    }
    node->key = key;
    node->sets = ARENA_ARRAY(r->arena, r->words, uint64_t);
    state_resolution_push(r, &key->events, node);
    state_resolution_push(r, &r->conflicted, node);
}

/* The key of a difference. When it is first seen, the event of set 0 is taken to be in all sets. */
static struct resolution_key *conflicted_key(struct resolution *r, const struct event *event,
                                             struct resolution_node *base)
{
    bool is_new;
    struct resolution_key *key = find_key(r, event->type, event->state_key, &is_new);
    assert(key); /* event_parse() has limited both parts */
    if (is_new) {
        key->conflicted = true;
        if (base) {
            add_conflicted(r, key, base);
            key->base = base->number;
            for (size_t i = 0; i < r->input->sets; i++)
                bit_set(base->sets, i);
        }
    }
    assert(key->base == (base ? base->number : 0));
    return key;
}

static void add_difference(struct resolution *r, const struct state_resolution_difference *d)
{
    assert(d->set > 0 && d->set < r->input->sets && d->base != d->event);
    struct resolution_node *base = d->base ? state_event(r, d->base) : NULL;
    struct resolution_node *other = d->event ? state_event(r, d->event) : NULL;
    if (r->status != STATE_RESOLUTION_OK)
        return;
    const struct resolution_node *either = base ? base : other;
    assert(either);
    struct resolution_key *key = conflicted_key(r, either->event, base);
    if (base) {
        assert(bit_get(base->sets, d->set)); /* one difference a set and key */
        bit_clear(base->sets, d->set);
    }
    if (other) {
        add_conflicted(r, key, other);
        bit_set(other->sets, d->set);
    }
}

static void split_state(struct resolution *r)
{
    for (size_t i = 0; i < r->input->difference_count && r->status == STATE_RESOLUTION_OK; i++)
        add_difference(r, &r->input->differences[i]);
}

/* --- iterative auth checks --- */

struct check {
    struct resolution *r;
    struct resolution_node *node;
    bool falls_back;
};

/* Version 2.1 starts from an empty state, the others from the unconflicted one. */
static bool starts_empty(const struct resolution *r)
{
    return r->input->version->state_resolution == STATE_RESOLUTION_V2_1;
}

static const struct event *from_auth_events(const struct check *check, struct str type, struct str state_key)
{
    struct resolution *r = check->r;
    struct resolution_node *cited = state_resolution_auth_event(r, check->node, type, state_key);
    if (!cited || r->input->source.rejected(r->input->source.ctx, cited->number))
        return NULL;
    return cited->event;
}

static const struct event *get(void *ctx, struct str type, struct str state_key)
{
    const struct check *check = ctx;
    struct resolution *r = check->r;
    if (!r->input->version->create_in_auth_events && str_eq(type, STR("m.room.create")) && state_key.n == 0)
        return r->input->create;
    const struct resolution_key *key = state_resolution_key(r, type, state_key);
    if (!key)
        return NULL;
    if (key->now)
        return key->now->event;
    if (!starts_empty(r) && !key->conflicted && key->base) {
        const struct event *event = state_resolution_event(r, state_resolution_node(r, key->base));
        if (event)
            return event;
    }
    return check->falls_back ? from_auth_events(check, type, state_key) : NULL;
}

bool state_resolution_allowed(struct resolution *r, struct resolution_node *node, bool falls_back)
{
    struct check check = {r, node, falls_back};
    arena_reset(r->scratch);
    return !auth_check(r->scratch, node->event, (struct auth_state){get, &check}).refused;
}

void state_resolution_apply(struct resolution *r, const struct resolution_list *list)
{
    for (size_t i = 0; i < list->n && r->status == STATE_RESOLUTION_OK; i++) {
        struct resolution_node *node = list->p[i];
        struct resolution_key *key = state_resolution_key(r, node->event->type, node->event->state_key);
        if (key && state_resolution_allowed(r, node, true))
            key->now = node;
    }
}

/* --- the algorithm --- */

/* The numbers of the conflicted events of one set. */
static struct state_resolution_set conflicted_in(struct resolution *r, size_t set)
{
    size_t count = 0;
    for (size_t i = 0; i < r->conflicted.n; i++)
        count += bit_get(r->conflicted.p[i]->sets, set);
    uint64_t *numbers = ARENA_ARRAY(r->arena, count, uint64_t);
    struct state_resolution_set found = {numbers, 0};
    for (size_t i = 0; i < r->conflicted.n; i++)
        if (bit_get(r->conflicted.p[i]->sets, set))
            numbers[found.count++] = r->conflicted.p[i]->number;
    return found;
}

static void add_numbers(struct resolution *r, const uint64_t *numbers, size_t count)
{
    for (size_t i = 0; i < count && r->status == STATE_RESOLUTION_OK; i++)
        state_resolution_add_full(r, state_resolution_node(r, numbers[i]));
}

static void add_auth_difference(struct resolution *r)
{
    const struct state_resolution_source *source = &r->input->source;
    const uint64_t *numbers;
    if (!source->auth_difference) {
        state_resolution_add_auth_difference(r);
        return;
    }
    struct state_resolution_set *sets = ARENA_ARRAY(r->arena, r->input->sets, struct state_resolution_set);
    for (size_t i = 0; i < r->input->sets; i++)
        sets[i] = conflicted_in(r, i);
    size_t count = source->auth_difference(source->ctx, sets, r->input->sets, &numbers);
    add_numbers(r, numbers, count);
}

static void add_subgraph(struct resolution *r)
{
    const struct state_resolution_source *source = &r->input->source;
    const uint64_t *numbers;
    if (!source->subgraph) {
        state_resolution_add_subgraph(r);
        return;
    }
    uint64_t *conflicted = ARENA_ARRAY(r->arena, r->conflicted.n, uint64_t);
    for (size_t i = 0; i < r->conflicted.n; i++)
        conflicted[i] = r->conflicted.p[i]->number;
    struct state_resolution_set set = {conflicted, r->conflicted.n};
    size_t count = source->subgraph(source->ctx, set, &numbers);
    add_numbers(r, numbers, count);
}

static void collect_full_conflicted_set(struct resolution *r)
{
    for (size_t i = 0; i < r->conflicted.n; i++)
        state_resolution_add_full(r, r->conflicted.p[i]);
    if (starts_empty(r))
        add_subgraph(r);
    add_auth_difference(r);
}

/* Steps 1 to 4; step 5 is done by the result, which leaves out what is unconflicted. */
static void resolve_v2(struct resolution *r)
{
    collect_full_conflicted_set(r);
    struct resolution_list first = state_resolution_power_order(r);
    state_resolution_apply(r, &first);
    const struct resolution_key *power = state_resolution_key(r, STR("m.room.power_levels"), STR(""));
    struct resolution_node *power_levels = power->now;
    if (!power_levels && !starts_empty(r) && !power->conflicted && power->base)
        power_levels = state_resolution_node(r, power->base);
    struct resolution_list rest = state_resolution_mainline_order(r, power_levels);
    state_resolution_apply(r, &rest);
}

static void resolve(struct resolution *r)
{
    switch (r->input->version->state_resolution) {
    case STATE_RESOLUTION_V1:
        state_resolution_v1(r);
        break;
    case STATE_RESOLUTION_V2:
    case STATE_RESOLUTION_V2_1:
        resolve_v2(r);
        break;
    }
}

/* --- the result --- */

static int by_key(const void *x, const void *y)
{
    const struct state_resolution_change *a = x, *b = y;
    int order = str_cmp(a->type, b->type);
    return order ? order : str_cmp(a->state_key, b->state_key);
}

static struct state_resolution_result result(struct resolution *r)
{
    struct state_resolution_change *changes = ARENA_ARRAY(r->arena, r->key_count, struct state_resolution_change);
    size_t count = 0;
    for (size_t i = 0; i < r->key_count; i++) {
        const struct resolution_key *key = r->key_list[i];
        uint64_t now = key->now ? key->now->number : 0;
        if (now != key->base && (key->conflicted || key->base == 0))
            changes[count++] = (struct state_resolution_change){key->type, key->state_key, now};
    }
    if (count > 0)
        qsort(changes, count, sizeof(*changes), by_key);
    return (struct state_resolution_result){changes, count};
}

enum state_resolution_status state_resolution_run(struct arena *a, const struct state_resolution_input *input,
                                                  struct state_resolution_result *result_out)
{
    assert(input->sets > 0 && input->sets <= STATE_RESOLUTION_SETS_MAX);
    assert(input->create || input->version->create_in_auth_events);
    struct resolution r = {.arena = a, .scratch = arena_new(), .input = input, .words = (input->sets + 63) / 64};
    map_u64_init(&r.nodes);
    map_str_init(&r.keys);
    split_state(&r);
    if (r.status == STATE_RESOLUTION_OK)
        resolve(&r);
    if (r.status == STATE_RESOLUTION_OK)
        *result_out = result(&r);
    map_str_fini(&r.keys);
    map_u64_fini(&r.nodes);
    arena_free(&r.scratch);
    return r.status;
}
