#include "twin.h"
#include <stdio.h>
#include <string.h>
#include "device_clock.h"
#include "esp_log.h"
#include "json.h"
#include "link.h"

static const char *TAG = "twin";

static struct settings {
    double set_point_temperature_c;
    int64_t version;  // of the order that was taken in last, 0 = none
    bool is_on;
} settings = {.set_point_temperature_c = 24, .is_on = true};

// Commands that were carried out, so that one that comes again is answered and not done again.
#define REMEMBERED 16
#define ID_BYTES 65
static struct memory {
    uint32_t next;
    struct {
        char id[ID_BYTES];
        char state[8];
    } commands[REMEMBERED];
} memory;

static char desired_topic[160], reported_topic[160], commands_topic[160];

void twin_open(const struct config *config) {
    config_topic(config, "desired", desired_topic, sizeof desired_topic);
    config_topic(config, "reported", reported_topic, sizeof reported_topic);
    config_topic(config, "cmd/", commands_topic, sizeof commands_topic);
    struct settings stored;
    if (config_load("settings", &stored, sizeof stored) == ESP_OK) settings = stored;
    if (config_load("commands", &memory, sizeof memory) != ESP_OK) memset(&memory, 0, sizeof memory);
}

static void report(void) {
    char text[256], time[32] = "", version[40] = "";
    int64_t now_ms = clock_now_ms();
    if (now_ms > 0) snprintf(time, sizeof time, "\"ts\":%lld,", (long long)now_ms);
    if (settings.version > 0) snprintf(version, sizeof version, "\"desired_version\":%lld,", (long long)settings.version);
    snprintf(text, sizeof text, "{%s%s\"reported\":{\"is_on\":%s,\"set_point_temperature_c\":%g}}", time, version, settings.is_on ? "true" : "false",
             settings.set_point_temperature_c);
    (void)link_send(reported_topic, text, false);
}

static void save(void) {
    if (config_save("settings", &settings, sizeof settings) != ESP_OK) ESP_LOGE(TAG, "settings are not saved");
}

void twin_on_connected(void) {
    char filter[168];
    snprintf(filter, sizeof filter, "%s#", commands_topic);
    link_subscribe(desired_topic);
    link_subscribe(filter);
    report();
}

// An expiry is judged only by a clock that is set.
static bool is_over(struct json_part message) {
    struct json_part part;
    double expires;
    int64_t now_ms = clock_now_ms();
    return now_ms > 0 && json_member(message, "expires_at_ms", &part) && json_number(part, &expires) && (double)now_ms > expires;
}

// What cannot be (another kind, out of range) is not taken over; the report says what holds, so the server sees the difference.
static void on_desired(struct json_part message) {
    struct json_part part, desired;
    double number;
    if (is_over(message) || !json_member(message, "desired", &desired)) return;
    if (json_member(message, "version", &part) && json_number(part, &number)) settings.version = (int64_t)number;
    if (json_member(desired, "is_on", &part) && (json_is(part, "true") || json_is(part, "false"))) settings.is_on = json_is(part, "true");
    if (json_member(desired, "set_point_temperature_c", &part) && json_number(part, &number) && number >= 16 && number <= 32) {
        settings.set_point_temperature_c = number;
    }
    save();
    report();
}

static const char *carry_out(const char *name) {
    if (strcmp(name, "safe_state") == 0) {
        settings.is_on = false;
        save();
        report();
        return "done";
    }
    if (strcmp(name, "identify") == 0) {
        ESP_LOGI(TAG, "here I am");  // blink
        return "done";
    }
    return "refused";
}

static void answer(const char *id, const char *state) {
    char topic[256], text[64];
    snprintf(topic, sizeof topic, "%s%s/ack", commands_topic, id);
    snprintf(text, sizeof text, "{\"state\":\"%s\"}", state);
    (void)link_send(topic, text, false);
}

static void on_command(const char *id, struct json_part message) {
    char name[65];
    struct json_part part;
    if (strlen(id) >= ID_BYTES) return;
    for (int index = 0; index < REMEMBERED; index++) {
        if (strcmp(memory.commands[index].id, id) == 0) {
            answer(id, memory.commands[index].state);
            return;
        }
    }
    bool is_read = json_member(message, "command", &part) && json_text(part, name, sizeof name);
    const char *state = is_read && !is_over(message) ? carry_out(name) : "refused";
    // On flash before it is answered. A power cut between doing and this does it twice: a command of yours that must not be done twice
    // (dispense, move by) is remembered before it is begun.
    uint32_t place = memory.next++ % REMEMBERED;
    snprintf(memory.commands[place].id, ID_BYTES, "%s", id);
    snprintf(memory.commands[place].state, sizeof memory.commands[place].state, "%s", state);
    if (config_save("commands", &memory, sizeof memory) != ESP_OK) ESP_LOGE(TAG, "a command is not remembered");
    answer(id, state);
}

void twin_on_message(const char *topic, const char *payload) {
    struct json_part message = {payload, strlen(payload)};
    if (strcmp(topic, desired_topic) == 0) on_desired(message);
    else if (strncmp(topic, commands_topic, strlen(commands_topic)) == 0) on_command(topic + strlen(commands_topic), message);
}
