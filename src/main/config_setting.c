#include "main/config_setting.h"

void config_setting_add(struct config_settings *settings, struct config_setting setting)
{
    if (settings->count == settings->cap) {
        size_t cap = settings->cap ? settings->cap * 2 : 16;
        settings->items =
            arena_grow(settings->arena, settings->items, settings->cap * sizeof(setting), cap * sizeof(setting));
        settings->cap = cap;
    }
    settings->items[settings->count++] = setting;
}
