#include "service/uia_session.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/thread.h"
#include "crypto/random.h"

#include <stdlib.h>
#include <string.h>

#define ID_CHARS 24

struct session {
    char id[ID_CHARS];
    int64_t expires_ms; /* of clock_mono_ms() */
    int64_t user_nid;   /* of the purpose */
    uint64_t operation; /* str_hash */
    struct uia_progress progress;
    struct list *list; /* that it stands in */
    struct session *older;
    struct session *newer;
};

/* By the time of coming here. */
struct list {
    struct session *newest;
    struct session *oldest;
    size_t count;
};

struct uia_sessions {
    struct mutex lock;
    struct map_str by_id;
    struct list opened; /* costs nothing to be in: no stage is completed */
    struct list begun;
};

struct uia_sessions *uia_sessions_new(void)
{
    struct uia_sessions *all = memory_calloc(1, sizeof *all);
    mutex_init(&all->lock);
    map_str_init(&all->by_id);
    return all;
}

static struct str id_of(const struct session *session)
{
    return (struct str){session->id, ID_CHARS};
}

static void leave(struct session *session)
{
    struct list *list = session->list;
    *(session->newer ? &session->newer->older : &list->newest) = session->older;
    *(session->older ? &session->older->newer : &list->oldest) = session->newer;
    list->count--;
}

static void join(struct list *list, struct session *session)
{
    session->list = list;
    session->older = list->newest;
    session->newer = NULL;
    *(list->newest ? &list->newest->newer : &list->oldest) = session;
    list->newest = session;
    list->count++;
}

static void drop(struct uia_sessions *all, struct session *session)
{
    leave(session);
    map_str_remove(&all->by_id, id_of(session));
    free(session);
}

void uia_sessions_free(struct uia_sessions **sessions)
{
    if (!*sessions)
        return;
    while ((*sessions)->opened.oldest)
        drop(*sessions, (*sessions)->opened.oldest);
    while ((*sessions)->begun.oldest)
        drop(*sessions, (*sessions)->begun.oldest);
    map_str_fini(&(*sessions)->by_id);
    mutex_fini(&(*sessions)->lock);
    free(*sessions);
    *sessions = NULL;
}

static void drop_expired(struct uia_sessions *all, const struct list *list, int64_t now)
{
    while (list->oldest && list->oldest->expires_ms <= now)
        drop(all, list->oldest);
}

/* All live equally long, so those that are over stand at the old end (nearly so among those begun). If there are too
 * many, one goes in which nothing has been done yet; begun ones only where they take more than half of the room. */
static void make_room(struct uia_sessions *all, int64_t now)
{
    drop_expired(all, &all->opened, now);
    drop_expired(all, &all->begun, now);
    if (all->by_id.count >= UIA_SESSIONS_MAX)
        drop(all, all->begun.count > UIA_SESSIONS_MAX / 2 ? all->begun.oldest : all->opened.oldest);
}

struct str uia_session_open(struct uia_sessions *sessions, struct arena *a, struct uia_purpose purpose)
{
    struct str id = random_string(a, ID_CHARS, RANDOM_BASE62);
    struct session *session = memory_calloc(1, sizeof *session);
    int64_t now = clock_mono_ms();
    memcpy(session->id, id.p, ID_CHARS);
    session->expires_ms = now + UIA_SESSION_TTL_MS;
    session->user_nid = purpose.user_nid;
    session->operation = str_hash(purpose.operation);

    mutex_lock(&sessions->lock);
    make_room(sessions, now);
    join(&sessions->opened, session);
    map_str_put(&sessions->by_id, id_of(session), session);
    mutex_unlock(&sessions->lock);
    return id;
}

static struct session *find(struct uia_sessions *all, struct str id, struct uia_purpose purpose)
{
    mutex_assert_held(&all->lock);
    struct session *session = map_str_get(&all->by_id, id);
    bool good = session && session->expires_ms > clock_mono_ms() && session->user_nid == purpose.user_nid &&
                session->operation == str_hash(purpose.operation);
    return good ? session : NULL;
}

bool uia_session_read(struct uia_sessions *sessions, struct str id, struct uia_purpose purpose,
                      struct uia_progress *progress_out)
{
    mutex_lock(&sessions->lock);
    const struct session *session = find(sessions, id, purpose);
    if (session)
        *progress_out = session->progress;
    mutex_unlock(&sessions->lock);
    return session != NULL;
}

void uia_session_write(struct uia_sessions *sessions, struct str id, struct uia_purpose purpose,
                       const struct uia_progress *progress)
{
    mutex_lock(&sessions->lock);
    struct session *session = find(sessions, id, purpose);
    if (session) {
        unsigned completed = session->progress.completed | progress->completed;
        session->progress = *progress;
        session->progress.completed = completed;
        if (completed && session->list == &sessions->opened) {
            leave(session);
            join(&sessions->begun, session);
        }
    }
    mutex_unlock(&sessions->lock);
}

bool uia_session_end(struct uia_sessions *sessions, struct str id)
{
    mutex_lock(&sessions->lock);
    struct session *session = map_str_get(&sessions->by_id, id);
    bool found = session != NULL;
    if (found)
        drop(sessions, session);
    mutex_unlock(&sessions->lock);
    return found;
}
