#pragma once
#include <stdbool.h>
#include <sys/time.h>
#include "esp_err.h"

typedef void (*esp_sntp_time_cb_t)(struct timeval *now);
typedef struct {
    bool wait_for_sync;
    bool start;
    esp_sntp_time_cb_t sync_cb;
    const char *servers[1];
} esp_sntp_config_t;
#define ESP_NETIF_SNTP_DEFAULT_CONFIG(server) {.wait_for_sync = true, .start = true, .servers = {server}}

esp_err_t esp_netif_sntp_init(const esp_sntp_config_t *config);
