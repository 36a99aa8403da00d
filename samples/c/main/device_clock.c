#include "device_clock.h"
#include <stdatomic.h>
#include <string.h>
#include <sys/time.h>
#include "config.h"
#include "esp_log.h"
#include "esp_netif_sntp.h"
#include "esp_timer.h"

// When each of the last boots began, in NVS.
#define STARTS 8
static struct start {
    uint32_t boot;
    uint32_t unused;
    int64_t at_ms;
} starts[STARTS];
static uint32_t this_boot;
static atomic_bool is_set;

static void on_sync(struct timeval *now) {
    (void)now;
    atomic_store(&is_set, true);
}

void clock_start(uint32_t boot) {
    this_boot = boot;
    if (config_load("starts", starts, sizeof starts) != ESP_OK) memset(starts, 0, sizeof starts);
    esp_sntp_config_t config = ESP_NETIF_SNTP_DEFAULT_CONFIG("pool.ntp.org");
    config.sync_cb = on_sync;
    esp_err_t error = esp_netif_sntp_init(&config);
    if (error != ESP_OK) ESP_LOGE("clock", "SNTP does not start: %d", (int)error);
}

int64_t clock_uptime_ms(void) { return esp_timer_get_time() / 1000; }

int64_t clock_now_ms(void) {
    if (!atomic_load(&is_set)) return 0;
    struct timeval now;
    gettimeofday(&now, NULL);
    return (int64_t)now.tv_sec * 1000 + now.tv_usec / 1000;
}

// Keeps a start in the place of the oldest one, on flash before a time made of it goes out.
static bool keep(uint32_t boot, int64_t at_ms) {
    struct start *place = &starts[0];
    for (int index = 1; index < STARTS; index++) {
        if (starts[index].boot < place->boot) place = &starts[index];
    }
    *place = (struct start){.boot = boot, .at_ms = at_ms};
    return config_save("starts", starts, sizeof starts) == ESP_OK;
}

// The nearest boot from `boot` on whose start is known.
static const struct start *known_from(uint32_t boot) {
    const struct start *nearest = NULL;
    for (int index = 0; index < STARTS; index++) {
        if (starts[index].boot >= boot && starts[index].boot > 0 && (nearest == NULL || starts[index].boot < nearest->boot)) nearest = &starts[index];
    }
    return nearest;
}

bool clock_stamp(struct reading *reading) {
    if (reading->ts_ms != 0) return true;
    const struct start *known = known_from(reading->boot);
    if (known == NULL) {
        int64_t now_ms = clock_now_ms();
        if (now_ms == 0 || !keep(this_boot, now_ms - clock_uptime_ms())) return false;
        known = known_from(reading->boot);
        if (known == NULL) return false;
    }
    int64_t at_ms = known->at_ms;
    if (known->boot != reading->boot) {
        // That boot ended before its clock was set. How long the device was off is not known: the latest that it can have been is taken.
        at_ms -= store_run_time_ms(reading->boot, known->boot);
        if (!keep(reading->boot, at_ms)) return false;
    }
    reading->ts_ms = at_ms + reading->uptime_ms;
    return true;
}
