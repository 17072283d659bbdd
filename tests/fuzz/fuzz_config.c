/* Configuration texts: any bytes give a configuration or complaints, and no other option than those of the table. */
#include "main/config.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_report report;

    config_report_init(&report);
    struct config *config = config_parse(STR("fuzz.toml"), (struct str){(const char *)data, size}, NULL, &report);
    assert((config == NULL) == (report.error_count > 0));
    for (size_t i = 0; i < config_report_kept(report.error_count); i++)
        assert(report.errors[i].n > 0);
    config_free(&config);
    config_report_fini(&report);
    return 0;
}
