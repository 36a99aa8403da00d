#include "link.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "device_clock.h"
#include "esp_crt_bundle.h"
#include "esp_log.h"
#include "esp_random.h"
#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"
#include "mqtt_client.h"

#define EVENTS 32
// Longest message that is taken: a command has at most 16 KiB of payload.
#define MESSAGE_BYTES_MAX (18 * 1024)
#define WAIT_MS_MIN 1000
#define WAIT_MS_MAX 60000

static const char *TAG = "link";
static esp_mqtt_client_handle_t client;
static QueueHandle_t events;
static char state_topic[160];
// Up and down may follow each other while the queue is full, so they are kept apart from it.
static atomic_uint connections;
static atomic_bool is_up;
static unsigned seen_connections;
static bool seen_up = false;
static int64_t reconnect_at_ms;
static int64_t wait_ms_now = WAIT_MS_MIN;

static void post(struct link_event event) {
    // What does not fit is no loss: an unacknowledged reading is sent again, an unanswered command comes again.
    if (xQueueSend(events, &event, 0) != pdTRUE) link_free(&event);
}

// Messages that are longer than the buffer come in pieces, of which only the first one has the topic.
static void on_data(const esp_mqtt_event_t *piece) {
    static char *topic, *payload;
    if (piece->current_data_offset == 0) {
        free(topic);
        free(payload);
        topic = payload = NULL;
        if (piece->total_data_len > MESSAGE_BYTES_MAX) {
            ESP_LOGW(TAG, "a message of %d bytes is left out", piece->total_data_len);
            return;
        }
        topic = calloc(1, (size_t)piece->topic_len + 1);
        payload = calloc(1, (size_t)piece->total_data_len + 1);
        if (topic != NULL) memcpy(topic, piece->topic, (size_t)piece->topic_len);
    }
    if (topic == NULL || payload == NULL) return;
    memcpy(payload + piece->current_data_offset, piece->data, (size_t)piece->data_len);
    if (piece->current_data_offset + piece->data_len < piece->total_data_len) return;
    post((struct link_event){.kind = LINK_MESSAGE, .topic = topic, .payload = payload});
    topic = payload = NULL;
}

static void on_event(void *context, esp_event_base_t base, int32_t id, void *data) {
    (void)context;
    (void)base;
    const esp_mqtt_event_t *event = data;
    switch ((esp_mqtt_event_id_t)id) {
    case MQTT_EVENT_CONNECTED:
        atomic_fetch_add(&connections, 1);
        atomic_store(&is_up, true);
        post((struct link_event){.kind = LINK_NOTHING});
        break;
    case MQTT_EVENT_DISCONNECTED:
        atomic_store(&is_up, false);
        post((struct link_event){.kind = LINK_NOTHING});
        break;
    case MQTT_EVENT_PUBLISHED:
        post((struct link_event){.kind = LINK_ACKNOWLEDGED, .id = event->msg_id});
        break;
    case MQTT_EVENT_DELETED:
        post((struct link_event){.kind = LINK_LOST, .id = event->msg_id});
        break;
    case MQTT_EVENT_DATA:
        on_data(event);
        break;
    case MQTT_EVENT_ERROR:
        if (event->error_handle->error_type == MQTT_ERROR_TYPE_CONNECTION_REFUSED) {
            ESP_LOGE(TAG, "refused with %d: name, secret or time of the device", (int)event->error_handle->connect_return_code);
        }
        break;
    default:
        break;
    }
}

esp_err_t link_start(const struct config *config) {
    config_topic(config, "state", state_topic, sizeof state_topic);
    esp_mqtt_client_config_t settings = {
        .broker.address.uri = config->uri,
        .credentials.username = config->name,
        .credentials.client_id = config->name,
        .credentials.authentication.password = config->secret,
        .session.protocol_ver = MQTT_PROTOCOL_V_3_1_1,
        .session.keepalive = 60,
        .session.last_will = {.topic = state_topic, .msg = "{\"online\":false}", .qos = 1, .retain = 1},
        // A fixed wait would bring a town back at once when its power does; see schedule_reconnect.
        .network.disable_auto_reconnect = true,
        .network.timeout_ms = 10000,
        .buffer.size = 2048,
    };
    // With mqtts:// the server must prove who it is: by the own authority of the installation, or by a public one.
    if (config->ca[0] != '\0') settings.broker.verification.certificate = config->ca;
    else settings.broker.verification.crt_bundle_attach = esp_crt_bundle_attach;
    events = xQueueCreate(EVENTS, sizeof(struct link_event));
    client = esp_mqtt_client_init(&settings);
    if (events == NULL || client == NULL) return ESP_FAIL;
    esp_err_t error = esp_mqtt_client_register_event(client, MQTT_EVENT_ANY, on_event, NULL);
    return error == ESP_OK ? esp_mqtt_client_start(client) : error;
}

// Half of the wait is random, and the wait doubles up to a minute.
static void schedule_reconnect(void) {
    reconnect_at_ms = clock_uptime_ms() + wait_ms_now / 2 + (int64_t)(esp_random() % (uint32_t)(wait_ms_now / 2 + 1));
    if (wait_ms_now < WAIT_MS_MAX) wait_ms_now = wait_ms_now * 2 < WAIT_MS_MAX ? wait_ms_now * 2 : WAIT_MS_MAX;
}

static enum link_kind look(void) {
    bool up = atomic_load(&is_up);
    unsigned now = atomic_load(&connections);
    if (seen_up && (!up || now != seen_connections)) {
        seen_up = false;
        return LINK_DISCONNECTED;
    }
    if (up && !seen_up) {
        seen_up = true;
        seen_connections = now;
        wait_ms_now = WAIT_MS_MIN;
        reconnect_at_ms = 0;
        return LINK_CONNECTED;
    }
    if (!up && reconnect_at_ms == 0) schedule_reconnect();
    if (!up && clock_uptime_ms() >= reconnect_at_ms) {
        // Refused while an attempt is under way; then the next look comes after another wait.
        (void)esp_mqtt_client_reconnect(client);
        schedule_reconnect();
    }
    return LINK_NOTHING;
}

struct link_event link_wait(int64_t wait_ms) {
    struct link_event event = {.kind = look()};
    if (event.kind != LINK_NOTHING) return event;
    if (!seen_up && clock_uptime_ms() + wait_ms > reconnect_at_ms) wait_ms = reconnect_at_ms - clock_uptime_ms();
    if (wait_ms < 0) wait_ms = 0;
    if (xQueueReceive(events, &event, pdMS_TO_TICKS(wait_ms)) != pdTRUE) event.kind = LINK_NOTHING;
    return event;
}

void link_free(struct link_event *event) {
    free(event->topic);
    free(event->payload);
    event->topic = event->payload = NULL;
}

bool link_is_up(void) { return seen_up && atomic_load(&is_up); }

int link_send(const char *topic, const char *payload, bool retain) {
    return esp_mqtt_client_enqueue(client, topic, payload, 0, 1, retain ? 1 : 0, true);
}

void link_subscribe(const char *filter) { (void)esp_mqtt_client_subscribe(client, filter, 1); }

void link_stop(void) {
    esp_mqtt_client_stop(client);
    esp_mqtt_client_destroy(client);
    for (struct link_event event; xQueueReceive(events, &event, 0) == pdTRUE;) link_free(&event);
}
