#include "store/state_gc.h"

#include "base/memory.h"
#include "store/sql.h"
#include "store/state_node.h"
#include "store/tx.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows of one transaction. */
enum { ROOTS_AT_ONCE = 20000, NODES_AT_ONCE = 5000 };

static const struct sql newest_event = SQL("SELECT max(event_nid) FROM events");
static const struct sql newest_node = SQL("SELECT max(node_nid) FROM state_nodes");
/* Every column that names a root has to stand here. */
static const struct sql select_roots = SQL("SELECT event_nid, state_before, state_after, room_state FROM events"
                                           " WHERE event_nid > $1 ORDER BY event_nid LIMIT $2");
static const struct sql select_room_roots = SQL("SELECT room_nid, state_root, folded_root FROM room_states"
                                                " WHERE room_nid > $1 ORDER BY room_nid LIMIT $2");
static const struct sql select_down = SQL("SELECT node_nid, node FROM state_nodes WHERE node_nid < $1"
                                          " ORDER BY node_nid DESC LIMIT $2");
static const struct sql delete_node = SQL("DELETE FROM state_nodes WHERE node_nid = $1");

struct gc {
    struct store *store;
    const struct state_gc_progress *progress;
    struct state_gc_result *result;
    struct store_error *error;
    uint8_t *marks;                 /* a bit for each number up to `top` */
    int64_t top, top_event;         /* numbers that there were at the start */
    int64_t marked, met;            /* nodes that are needed, and those of them that were there */
    int64_t at;                     /* how far the pass has come */
    int64_t removed, removed_bytes; /* by the job that runs */
    bool more;
    uint64_t others; /* store_others() at the start */
};

static bool say(struct gc *gc, const char *text)
{
    if (!*gc->error->text)
        snprintf(gc->error->text, sizeof gc->error->text, "%s", text);
    return false;
}

static void tell(const struct gc *gc, int64_t done)
{
    if (gc->progress && gc->progress->fn)
        gc->progress->fn(gc->progress->ctx, done, gc->top_event + 2 * gc->top);
}

/* --- marks --- */

static bool is_marked(const struct gc *gc, int64_t nid)
{
    return gc->marks[nid >> 3] >> (nid & 7) & 1;
}

/* False if there can be no such node. 0 and -1 stand for the empty map and for one that is not known. */
static bool mark(struct gc *gc, int64_t nid)
{
    if (nid <= 0)
        return true;
    if (nid > gc->top)
        return false;
    if (!is_marked(gc, nid)) {
        gc->marks[nid >> 3] |= (uint8_t)(1u << (nid & 7));
        gc->marked++;
    }
    return true;
}

/* --- passes: each job does a part, and says whether there is more --- */

static bool is_alone(struct store_tx *tx, struct gc *gc)
{
    return (!tx_sharers(tx) && store_others(gc->store) == gc->others && !tx->failed) ||
           say(gc, "another process has the database open (is a server running?)");
}

static bool look_up_top(struct store_tx *tx, void *arg)
{
    struct gc *gc = arg;
    gc->top_event = sql_int_of0(tx, &newest_event, 0);
    gc->top = sql_int_of0(tx, &newest_node, 0);
    gc->others = store_others(gc->store);
    return is_alone(tx, gc);
}

static bool mark_roots(struct store_tx *tx, struct gc *gc, const struct sql *select, int columns)
{
    struct sql_cursor c;
    int count = 0;
    bool good = true;
    if (!is_alone(tx, gc))
        return false;
    sql_query(tx, select, &c, SQL_INT(gc->at), SQL_INT(ROOTS_AT_ONCE));
    for (; good && sql_next(&c); count++) {
        gc->at = sql_int(&c, 0);
        for (int column = 1; good && column <= columns; column++) {
            gc->result->roots += sql_int(&c, column) > 0;
            good = mark(gc, sql_int(&c, column));
        }
    }
    sql_end(&c);
    gc->more = count == ROOTS_AT_ONCE;
    return good || say(gc, "an event or a room names a state that is not there: the database is damaged, nothing was "
                           "deleted");
}

static bool mark_roots_of_events(struct store_tx *tx, void *arg)
{
    return mark_roots(tx, arg, &select_roots, 3);
}

static bool mark_roots_of_rooms(struct store_tx *tx, void *arg)
{
    return mark_roots(tx, arg, &select_room_roots, 2);
}

static bool mark_children(struct gc *gc, int64_t nid, struct str bytes)
{
    struct state_node node;
    gc->met++;
    if (!state_node_decode(bytes, &node))
        return false;
    for (int s = 0; !node.is_leaf && s < STATE_FANOUT; s++)
        if (node.children[s] >= nid || !mark(gc, node.children[s]))
            return false;
    return true;
}

static bool mark_nodes(struct store_tx *tx, void *arg)
{
    struct gc *gc = arg;
    struct sql_cursor c;
    int count = 0;
    bool good = true;
    if (!is_alone(tx, gc))
        return false;
    sql_query(tx, &select_down, &c, SQL_INT(gc->at), SQL_INT(NODES_AT_ONCE));
    for (; good && sql_next(&c); count++) {
        struct str bytes = sql_peek(&c, 1);
        gc->at = sql_int(&c, 0);
        gc->result->nodes++;
        gc->result->bytes += (int64_t)bytes.n;
        good = gc->at > 0 && (!is_marked(gc, gc->at) || mark_children(gc, gc->at, bytes));
    }
    sql_end(&c);
    gc->more = count == NODES_AT_ONCE;
    return good || say(gc, "a node of a state map is damaged: nothing was deleted");
}

static bool sweep(struct store_tx *tx, void *arg)
{
    struct gc *gc = arg;
    struct sql_cursor c;
    int64_t *garbage = ARENA_ARRAY(store_tx_arena(tx), NODES_AT_ONCE, int64_t);
    int count = 0;
    gc->removed = gc->removed_bytes = 0;
    if (!is_alone(tx, gc))
        return false;
    sql_query(tx, &select_down, &c, SQL_INT(gc->at), SQL_INT(NODES_AT_ONCE));
    for (; sql_next(&c); count++) {
        gc->at = sql_int(&c, 0);
        if (is_marked(gc, gc->at))
            continue;
        garbage[gc->removed++] = gc->at;
        gc->removed_bytes += (int64_t)sql_peek(&c, 1).n;
    }
    sql_end(&c);
    for (int64_t i = 0; i < gc->removed; i++)
        sql_push(tx, &delete_node, SQL_INT(garbage[i]));
    gc->more = count == NODES_AT_ONCE;
    return true;
}

/* Runs the parts of a pass. `from` steps were done before; a pass goes up to `top`, or down from it. */
static bool pass(struct gc *gc, bool (*part)(struct store_tx *, void *), int64_t from, bool down)
{
    gc->at = down ? gc->top + 1 : 0;
    do {
        gc->removed = gc->removed_bytes = 0;
        if (store_write(gc->store, part, gc) != STORE_OK)
            return say(gc, "the database failed, see the log");
        gc->result->removed_nodes += gc->removed;
        gc->result->removed_bytes += gc->removed_bytes;
        tell(gc, from + (down ? gc->top + 1 - gc->at : gc->at));
    } while (gc->more);
    return true;
}

static bool collect(struct gc *gc)
{
    if (store_write(gc->store, look_up_top, gc) != STORE_OK)
        return say(gc, "the database failed, see the log");
    gc->marks = gc->top < INT64_MAX / 2 ? calloc((size_t)(gc->top / 8) + 1, 1) : NULL;
    if (!gc->marks)
        return say(gc, "not enough memory for a bit for each node");
    if (!pass(gc, mark_roots_of_rooms, 0, false) || !pass(gc, mark_roots_of_events, 0, false) ||
        !pass(gc, mark_nodes, gc->top_event, true))
        return false;
    if (gc->met != gc->marked)
        return say(gc, "nodes of state maps are missing: the database is damaged, nothing was deleted");
    return gc->marked == gc->result->nodes || pass(gc, sweep, gc->top_event + gc->top, true);
}

bool state_gc_run(struct store *store, const struct state_gc_progress *progress, struct state_gc_result *out,
                  struct store_error *error_out)
{
    struct gc gc = {.store = store, .progress = progress, .result = out, .error = error_out};
    *out = (struct state_gc_result){0};
    *error_out = (struct store_error){.text = ""};
    bool ok = collect(&gc);
    if (ok)
        tell(&gc, gc.top_event + 2 * gc.top);
    free(gc.marks);
    return ok;
}

bool state_gc_compact(struct store *store, struct store_error *error_out)
{
    *error_out = (struct store_error){.text = ""};
    struct driver_conn *conn = store->driver->connect(store->db, DRIVER_READER, error_out);
    if (!conn)
        return false;
    bool ok = store->driver->script(conn, store->driver->compact);
    if (!ok)
        snprintf(error_out->text, sizeof error_out->text, "%s", store->driver->error(conn));
    store->driver->disconnect(conn);
    return ok;
}
