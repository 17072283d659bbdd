#include "matrix/history_visibility.h"

static const struct str names[] = {
    [HISTORY_WORLD_READABLE] = STR_INIT("world_readable"),
    [HISTORY_SHARED] = STR_INIT("shared"),
    [HISTORY_INVITED] = STR_INIT("invited"),
    [HISTORY_JOINED] = STR_INIT("joined"),
};

enum history_visibility history_visibility_of(const struct event *event)
{
    struct str name = event ? json_str_at(event->content, STR("history_visibility")) : STR("");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (name.p && str_eq(name, names[i]))
            return (enum history_visibility)i;
    }
    return HISTORY_SHARED;
}

/* "Server behaviour", rules 1 to 5. */
static bool allows(enum history_visibility visibility, struct str membership, bool joined_later)
{
    return visibility == HISTORY_WORLD_READABLE ||                               /* 1 */
           str_eq(membership, STR("join")) ||                                    /* 2 */
           (visibility == HISTORY_SHARED && joined_later) ||                     /* 3 */
           (visibility == HISTORY_INVITED && str_eq(membership, STR("invite"))); /* 4 */
}

bool history_visible(const struct history_view *view)
{
    return allows(view->visibility_before, view->membership_before, view->joined_later) ||
           allows(view->visibility_after, view->membership_after, view->joined_later);
}
