/* PDUs of strangers: whatever was accepted is within the limits, and keeps its id and its refusal when redacted. */
#include "matrix/event_number.h"
#include "matrix/event_signers.h"
#include "matrix/event_stored.h"
#include "matrix/id.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_id(struct arena *a, const struct event *e)
{
    bool given = e->version->event_format == EVENT_FORMAT_V1;
    assert(event_id_valid(e->event_id) && (given ? event_id_with_server_valid(e->event_id) : e->event_id.n == 44));
    struct json citation = event_citation(a, e);
    assert(str_eq(event_cited_id(e->version, &citation), e->event_id));
    struct event_signer signers[EVENT_SIGNERS_MAX];
    size_t count = event_required_signers(e, signers);
    for (size_t i = 0; i < count; i++)
        assert(server_name_valid(signers[i].server_name));
}

static void check(struct arena *a, const struct event *e)
{
    struct json *redacted = event_redact(a, e->version, e->json);
    struct event again, stored;
    struct event_verdict v = event_parse(a, e->version, redacted, &again);
    assert(!v.refused && str_eq(again.event_id, e->event_id) && str_eq(again.room_id, e->room_id));
    assert(json_eq(redacted, event_redact(a, e->version, redacted)));
    assert(json_text(a, event_canonical(a, e->json)).n <= EVENT_SIZE_MAX);
    assert(e->prev_events_count <= EVENT_PREV_EVENTS_MAX && e->auth_events_count <= EVENT_AUTH_EVENTS_MAX);
    assert(user_id_valid(e->sender) && room_id_valid(e->room_id) && e->depth >= 0 && e->content->type == JSON_OBJECT);
    assert(e->redacts.n == 0 || event_id_valid(e->redacts));
    event_view_stored(a, e->version, e->event_id, e->json, &stored);
    assert(stored.depth == e->depth && stored.prev_events_count == e->prev_events_count);
    again = *e;
    assert(event_settle_hash(a, &again) == (again.json == e->json) && str_eq(again.event_id, e->event_id));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct json_result r = json_parse(a, (struct str){(const char *)data, size}, JSON_DEPTH_MAX);
    const struct room_version *version;
    for (size_t i = 0; r.value && (version = room_version_at(i)); i++) {
        struct event e;
        struct event_verdict v = event_parse(a, version, r.value, &e);
        if (!v.refused) {
            check(a, &e);
            check_id(a, &e);
        }
        (void)event_redact(a, version, r.value);
        (void)event_reference_id(a, version, r.value);
    }
    if (r.value)
        (void)event_content_hash_matches(a, r.value);
    arena_free(&a);
    return 0;
}
