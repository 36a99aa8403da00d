// A device on an ESP32: measures at a steady pace, keeps each reading on flash until the server has acknowledged it, and sends what waits,
// oldest first. `boot` and `seq` are right over restarts; settings and commands are answered (twin.c).
#include <inttypes.h>
#include <stdio.h>
#include "config.h"
#include "device_clock.h"
#include "esp_log.h"
#include "esp_random.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "link.h"
#include "network.h"
#include "reading_store.h"
#include "sensors.h"
#include "twin.h"

#define FIRMWARE "1.0.0"
// Readings that the server may have to acknowledge at one time.
#define IN_FLIGHT_MAX 16
// esp-mqtt forgets what is not acknowledged after 30 s (CONFIG_MQTT_OUTBOX_EXPIRED_TIMEOUT_MS); after that we send it again ourselves.
#define FORGET_MS 45000

static const char *TAG = "device";
static struct config config;
static char tele_topic[160], state_topic[160];

static struct flight {
    int id;  // of esp-mqtt; 0 = free
    uint32_t order;
    int64_t since_ms;
} flights[IN_FLIGHT_MAX];
static uint32_t next_order;       // the next reading to look at for sending
static uint32_t connected_order;  // readings before it are older than the connection
static uint32_t seq, acknowledged;

static void measure(void) {
    struct reading reading = {.boot = config.boot, .seq = seq, .uptime_ms = clock_uptime_ms(), .ts_ms = clock_now_ms()};
    sensors_read(&reading.room_temperature_c, &reading.power_w);
    esp_err_t error = store_append(&reading);
    if (error != ESP_OK) {
        // The number is used up: the gap shows on the server that a reading is missing.
        ESP_LOGE(TAG, "a reading is lost, flash says %d", (int)error);
    }
    seq++;
}

static struct flight *flight_of(int id) {
    for (int index = 0; index < IN_FLIGHT_MAX; index++) {
        if (flights[index].id == id) return &flights[index];
    }
    return NULL;
}

static bool is_in_flight(uint32_t order) {
    for (int index = 0; index < IN_FLIGHT_MAX; index++) {
        if (flights[index].id != 0 && flights[index].order == order) return true;
    }
    return false;
}

// The reading is looked at again from there.
static void forget(struct flight *flight) {
    if (flight->order < next_order) next_order = flight->order;
    flight->id = 0;
}

static int send_one(const struct reading *reading, uint32_t order) {
    char text[256];
    bool is_old = reading->boot != config.boot || order < connected_order;
    snprintf(text, sizeof text,
             "{\"ts\":%" PRId64 ",\"seq\":%" PRIu32 ",\"boot\":%" PRIu32 ",\"hist\":%s,\"fw\":\"" FIRMWARE "\",\"v\":{\"room_temperature_c\":%.2f,\"power_w\":%.0f}}",
             reading->ts_ms, reading->seq, reading->boot, is_old ? "true" : "false", (double)reading->room_temperature_c, (double)reading->power_w);
    return link_send(tele_topic, text, false);
}

static void send_waiting(void) {
    struct reading reading;
    if (next_order < store_begin()) next_order = store_begin();
    while (link_is_up() && next_order < store_end()) {
        struct flight *flight = flight_of(0);
        if (flight == NULL) return;
        if (!is_in_flight(next_order) && store_read(next_order, &reading)) {
            if (!clock_stamp(&reading)) return;
            int id = send_one(&reading, next_order);
            if (id <= 0) return;
            *flight = (struct flight){.id = id, .order = next_order, .since_ms = clock_uptime_ms()};
        }
        next_order++;
    }
}

static void on_event(struct link_event *event) {
    struct flight *flight = NULL;
    char text[80];
    switch (event->kind) {
    case LINK_CONNECTED:
        connected_order = store_end();
        snprintf(text, sizeof text, "{\"online\":true,\"readings_dropped\":%" PRIu32 "}", store_dropped());
        (void)link_send(state_topic, text, true);
        twin_on_connected();
        break;
    case LINK_ACKNOWLEDGED:
        // Only now the reading leaves the flash.
        flight = flight_of(event->id);
        if (event->id == 0 || flight == NULL) break;
        store_done(flight->order);
        flight->id = 0;
        acknowledged++;
        break;
    case LINK_LOST:
        flight = flight_of(event->id);
        if (event->id != 0 && flight != NULL) forget(flight);
        break;
    case LINK_MESSAGE:
        twin_on_message(event->topic, event->payload);
        break;
    default:
        break;
    }
    link_free(event);
}

static void forget_overdue(void) {
    for (int index = 0; index < IN_FLIGHT_MAX; index++) {
        if (flights[index].id != 0 && clock_uptime_ms() - flights[index].since_ms > FORGET_MS) forget(&flights[index]);
    }
}

void app_main(void) {
    ESP_ERROR_CHECK(config_open(&config));
    config_topic(&config, "tele", tele_topic, sizeof tele_topic);
    config_topic(&config, "state", state_topic, sizeof state_topic);
    ESP_LOGI(TAG, "boot %" PRIu32, config.boot);
    network_start();
    clock_start(config.boot);
    twin_open(&config);
    next_order = store_begin();
    int64_t next_ms = clock_uptime_ms(), link_ms = next_ms + (int64_t)(esp_random() % (config.spread_ms + 1));
    bool is_started = false;
    while (config.readings == 0 || seq < config.readings || store_waiting() > 0) {
        int64_t now_ms = clock_uptime_ms();
        if (!is_started && now_ms >= link_ms) {
            // After a random wait, so that a town whose power comes back does not call at once.
            ESP_ERROR_CHECK(link_start(&config));
            is_started = true;
        }
        bool is_measuring = config.readings == 0 || seq < config.readings;
        if (is_measuring && now_ms >= next_ms) {
            measure();
            next_ms += config.every_ms;
        }
        int64_t until_ms = is_measuring ? next_ms : now_ms + 100;
        if (!is_started) {
            int64_t wait_ms = (until_ms < link_ms ? until_ms : link_ms) - now_ms;
            vTaskDelay(pdMS_TO_TICKS(wait_ms > 0 ? wait_ms : 0) + 1);
            continue;
        }
        struct link_event event = link_wait(until_ms - clock_uptime_ms());
        on_event(&event);
        forget_overdue();
        send_waiting();
    }
    printf("{\"boot\":%" PRIu32 ",\"readings\":%" PRIu32 ",\"acknowledged\":%" PRIu32 ",\"dropped\":%" PRIu32 "}\n", config.boot, seq, acknowledged,
           store_dropped());
    fflush(stdout);
    link_stop();
}
