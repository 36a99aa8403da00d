#include "config.h"
#include <stdio.h>
#include <string.h>
#include "esp_log.h"
#include "nvs.h"
#include "nvs_flash.h"
#include "reading_store.h"

static const char *TAG = "config";
static nvs_handle_t nvs;

static esp_err_t text(const char *key, char *value, size_t size) {
    esp_err_t error = nvs_get_str(nvs, key, value, &size);
    if (error != ESP_OK) ESP_LOGE(TAG, "NVS has no %s", key);
    return error;
}

static uint32_t number(const char *key, uint32_t otherwise) {
    uint32_t value;
    return nvs_get_u32(nvs, key, &value) == ESP_OK ? value : otherwise;
}

// A new number at each start, committed before the first reading uses it: (boot, seq) is never used twice. Where NVS was lost but the
// readings were not, their numbers count.
static esp_err_t count_boot(uint32_t *boot) {
    uint32_t before = number("boot", 0), stored = store_last_boot();
    *boot = (before > stored ? before : stored) + 1;
    esp_err_t error = nvs_set_u32(nvs, "boot", *boot);
    return error == ESP_OK ? nvs_commit(nvs) : error;
}

esp_err_t config_open(struct config *config) {
    // Unlike most examples this one does not erase NVS when it cannot be read: the secret would be lost with it.
    esp_err_t error = nvs_flash_init();
    if (error == ESP_OK) error = nvs_open("mendline", NVS_READWRITE, &nvs);
    if (error == ESP_OK) error = text("uri", config->uri, sizeof config->uri);
    if (error == ESP_OK) error = text("name", config->name, sizeof config->name);
    if (error == ESP_OK) error = text("secret", config->secret, sizeof config->secret);
    if (error != ESP_OK) return error;
    size_t size = sizeof config->ca;
    if (nvs_get_str(nvs, "ca", config->ca, &size) != ESP_OK) config->ca[0] = '\0';
    if (strchr(config->name, ':') == NULL) {
        ESP_LOGE(TAG, "name is {tenant}:{device}");
        return ESP_ERR_INVALID_ARG;
    }
    config->every_ms = number("every_ms", 10000);
    config->spread_ms = number("spread_ms", 10000);
    config->readings = number("readings", 0);
    error = store_open();
    return error == ESP_OK ? count_boot(&config->boot) : error;
}

void config_topic(const struct config *config, const char *rest, char *topic, unsigned size) {
    const char *colon = strchr(config->name, ':');
    snprintf(topic, size, "mend/v1/%.*s/%s/%s", (int)(colon - config->name), config->name, colon + 1, rest);
}

esp_err_t config_save(const char *key, const void *value, unsigned size) {
    esp_err_t error = nvs_set_blob(nvs, key, value, size);
    return error == ESP_OK ? nvs_commit(nvs) : error;
}

esp_err_t config_load(const char *key, void *value, unsigned size) {
    size_t length = size;
    esp_err_t error = nvs_get_blob(nvs, key, value, &length);
    return error == ESP_OK && length != size ? ESP_ERR_INVALID_SIZE : error;
}
