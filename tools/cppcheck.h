/* Stands in for base/log.h when cppcheck reads the tree: cppcheck 2.10 knows no __VA_OPT__. Never compiled. */
#define HEARTH_BASE_LOG_H
#include "base/str.h"
enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG, LOG_LEVEL_TRACE };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };
void log_setup(enum log_level level, enum log_format format, int fd);
bool log_level_parse(struct str name, enum log_level *out);
bool log_enabled(enum log_level level);
void log_set_request(uint64_t request_id);
void log_error(const char *message, ...);
void log_warn(const char *message, ...);
void log_info(const char *message, ...);
void log_debug(const char *message, ...);
void LOG_AT(enum log_level level, const char *message, ...);
#define LOG_STR(name, value)  (value).n
#define LOG_CSTR(name, value) (value)
#define LOG_INT(name, value)  (value)
