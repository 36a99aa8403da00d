// esp-mqtt's behaviour over POSIX sockets, MQTT 3.1.1 without TLS: a task of its own that calls the handler while it holds the API's lock
// (so that a sample that would lock up on the chip does so here), an outbox that repeats what is not acknowledged and forgets it after 30 s,
// long messages in pieces, and a reconnection when it is asked for.
#include "mqtt_client.h"
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "esp_log.h"
#include "esp_timer.h"

#define REPEAT_MS 1000
#define EXPIRY_MS 30000
#define PACKET_BYTES_MAX (256u * 1024u)
#define POLL_MS 20

struct item {
    struct item *next;
    int64_t born_ms, sent_ms;  // sent_ms 0 = not sent in this connection
    int id;
    int was_sent;
    size_t length;
    unsigned char packet[];
};

struct esp_mqtt_client {
    esp_mqtt_client_config_t config;
    char host[128], port[8];
    pthread_mutex_t lock;
    pthread_t thread;
    int is_running, wants_connection, is_connected, socket;
    int last_id;
    int64_t heard_ms, said_ms;
    struct item *outbox;
    esp_event_handler_t handler;
    void *context;
    unsigned char *received;
    size_t received_length;
};

static int64_t now_ms(void) { return esp_timer_get_time() / 1000 + 1; }

static void dispatch(esp_mqtt_client_handle_t client, esp_mqtt_event_t event) {
    event.client = client;
    if (client->handler != NULL) client->handler(client->context, "MQTT_EVENTS", (int32_t)event.event_id, &event);
}

static void break_off(esp_mqtt_client_handle_t client) {
    if (client->socket >= 0) close(client->socket);
    client->socket = -1;
    client->is_connected = 0;
    client->received_length = 0;
    for (struct item *item = client->outbox; item != NULL; item = item->next) item->sent_ms = 0;
    dispatch(client, (esp_mqtt_event_t){.event_id = MQTT_EVENT_DISCONNECTED});
}

static int say(esp_mqtt_client_handle_t client, const unsigned char *bytes, size_t length) {
    while (length > 0) {
        ssize_t sent = send(client->socket, bytes, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return 0;
        bytes += sent;
        length -= (size_t)sent;
    }
    client->said_ms = now_ms();
    return 1;
}

static unsigned char *put_text(unsigned char *at, const char *text) {
    size_t length = strlen(text);
    *at++ = (unsigned char)(length >> 8);
    *at++ = (unsigned char)length;
    memcpy(at, text, length);
    return at + length;
}

static unsigned char *put_header(unsigned char *at, unsigned char type, size_t length) {
    *at++ = type;
    do {
        unsigned char digit = length % 128;
        length /= 128;
        *at++ = (unsigned char)(digit | (length > 0 ? 128u : 0u));
    } while (length > 0);
    return at;
}

static int open_socket(esp_mqtt_client_handle_t client) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found = NULL;
    if (getaddrinfo(client->host, client->port, &hints, &found) != 0) return -1;
    int file = -1;
    for (const struct addrinfo *one = found; one != NULL && file < 0; one = one->ai_next) {
        file = socket(one->ai_family, one->ai_socktype, one->ai_protocol);
        if (file >= 0 && connect(file, one->ai_addr, one->ai_addrlen) != 0) {
            close(file);
            file = -1;
        }
    }
    freeaddrinfo(found);
    return file;
}

static int greet(esp_mqtt_client_handle_t client) {
    const esp_mqtt_client_config_t *config = &client->config;
    const char *id = config->credentials.client_id, *user = config->credentials.username, *word = config->credentials.authentication.password;
    const char *topic = config->session.last_will.topic, *will = config->session.last_will.msg;
    size_t length = 10 + 2 + strlen(id) + 2 + strlen(user) + 2 + strlen(word) + 2 + strlen(topic) + 2 + strlen(will);
    unsigned char *packet = malloc(length + 5);
    if (packet == NULL) return 0;
    unsigned char *at = put_header(packet, 0x10, length);
    at = put_text(at, "MQTT");
    *at++ = 4;
    *at++ = (unsigned char)(0xC4 | (config->session.last_will.qos << 3) | (config->session.last_will.retain ? 0x20 : 0) |
                            (config->session.disable_clean_session ? 0 : 2));
    *at++ = (unsigned char)(config->session.keepalive >> 8);
    *at++ = (unsigned char)config->session.keepalive;
    at = put_text(put_text(put_text(put_text(put_text(at, id), topic), will), user), word);
    int is_said = say(client, packet, (size_t)(at - packet));
    free(packet);
    return is_said;
}

static void connect_now(esp_mqtt_client_handle_t client) {
    client->wants_connection = 0;
    dispatch(client, (esp_mqtt_event_t){.event_id = MQTT_EVENT_BEFORE_CONNECT});
    client->heard_ms = now_ms();
    client->socket = open_socket(client);
    if (client->socket < 0 || !greet(client)) {
        esp_mqtt_error_codes_t error = {.error_type = MQTT_ERROR_TYPE_TCP_TRANSPORT};
        dispatch(client, (esp_mqtt_event_t){.event_id = MQTT_EVENT_ERROR, .error_handle = &error});
        break_off(client);
    }
}

static void remove_item(esp_mqtt_client_handle_t client, int id) {
    for (struct item **at = &client->outbox; *at != NULL; at = &(*at)->next) {
        if ((*at)->id != id) continue;
        struct item *gone = *at;
        *at = gone->next;
        free(gone);
        return;
    }
}

static int on_publish(esp_mqtt_client_handle_t client, unsigned char flags, unsigned char *body, size_t length) {
    int qos = (flags >> 1) & 3, id = 0;
    if (length < 2) return 0;
    size_t topic_length = ((size_t)body[0] << 8) | body[1], at = 2 + topic_length;
    if (at + (qos > 0 ? 2u : 0u) > length) return 0;
    if (qos > 0) {
        id = (body[at] << 8) | body[at + 1];
        at += 2;
    }
    int total = (int)(length - at), step = client->config.buffer.size > 0 ? client->config.buffer.size : 1024, offset = 0;
    do {
        int piece = total - offset < step ? total - offset : step;
        esp_mqtt_event_t event = {.event_id = MQTT_EVENT_DATA, .msg_id = id, .data = (char *)body + at + offset, .data_len = piece};
        event.total_data_len = total;
        event.current_data_offset = offset;
        event.topic = offset == 0 ? (char *)body + 2 : NULL;
        event.topic_len = offset == 0 ? (int)topic_length : 0;
        dispatch(client, event);
        offset += piece;
    } while (offset < total);
    if (qos == 0) return 1;
    const unsigned char ack[4] = {0x40, 2, (unsigned char)(id >> 8), (unsigned char)id};
    return say(client, ack, sizeof ack);
}

static int on_packet(esp_mqtt_client_handle_t client, unsigned char type, unsigned char *body, size_t length) {
    int id = length >= 2 ? (body[0] << 8) | body[1] : 0;
    switch (type >> 4) {
    case 2: {
        if (length < 2) return 0;
        if (body[1] != 0) {
            esp_mqtt_error_codes_t error = {.error_type = MQTT_ERROR_TYPE_CONNECTION_REFUSED, .connect_return_code = body[1]};
            dispatch(client, (esp_mqtt_event_t){.event_id = MQTT_EVENT_ERROR, .error_handle = &error});
            return 0;
        }
        client->is_connected = 1;
        dispatch(client, (esp_mqtt_event_t){.event_id = MQTT_EVENT_CONNECTED});
        return 1;
    }
    case 3:
        return on_publish(client, type & 15, body, length);
    case 4:
        remove_item(client, id);
        dispatch(client, (esp_mqtt_event_t){.event_id = MQTT_EVENT_PUBLISHED, .msg_id = id});
        return 1;
    case 9:
        remove_item(client, id);
        dispatch(client, (esp_mqtt_event_t){.event_id = MQTT_EVENT_SUBSCRIBED, .msg_id = id});
        return 1;
    default:
        return type >> 4 == 13;
    }
}

// Takes whole packets off the front of what was received.
static int take_packets(esp_mqtt_client_handle_t client) {
    size_t from = 0;
    while (client->received_length - from >= 2) {
        size_t length = 0, at = from + 1;
        int shift = 0;
        for (;; shift += 7) {
            if (shift > 21) return 0;
            if (at >= client->received_length) goto keep;
            length |= (size_t)(client->received[at] & 127) << shift;
            if ((client->received[at++] & 128) == 0) break;
        }
        if (length > PACKET_BYTES_MAX - 5) return 0;
        if (client->received_length - at < length) break;
        if (!on_packet(client, client->received[from], client->received + at, length)) return 0;
        from = at + length;
    }
keep:
    memmove(client->received, client->received + from, client->received_length - from);
    client->received_length -= from;
    return 1;
}

static int listen_a_while(esp_mqtt_client_handle_t client) {
    ssize_t got = recv(client->socket, client->received + client->received_length, PACKET_BYTES_MAX - client->received_length, MSG_DONTWAIT);
    if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    if (got == 0) return 0;
    client->heard_ms = now_ms();
    client->received_length += (size_t)got;
    return take_packets(client);
}

static int send_due(esp_mqtt_client_handle_t client) {
    int64_t now = now_ms();
    for (struct item *item = client->outbox; item != NULL; item = item->next) {
        if (item->sent_ms != 0 && now - item->sent_ms < REPEAT_MS) continue;
        if (item->was_sent && (item->packet[0] >> 4) == 3) item->packet[0] |= 8;
        item->sent_ms = now;
        item->was_sent = 1;
        if (!say(client, item->packet, item->length)) return 0;
    }
    int64_t half_ms = (int64_t)client->config.session.keepalive * 500;
    if (half_ms > 0 && now - client->said_ms > half_ms) {
        const unsigned char ping[2] = {0xC0, 0};
        if (!say(client, ping, sizeof ping)) return 0;
    }
    return half_ms == 0 || now - client->heard_ms < half_ms * 3;
}

static void expire(esp_mqtt_client_handle_t client) {
    while (client->outbox != NULL && now_ms() - client->outbox->born_ms > EXPIRY_MS) {
        int id = client->outbox->id;
        remove_item(client, id);
        dispatch(client, (esp_mqtt_event_t){.event_id = MQTT_EVENT_DELETED, .msg_id = id});
    }
}

static void *run(void *given) {
    esp_mqtt_client_handle_t client = given;
    for (;;) {
        pthread_mutex_lock(&client->lock);
        if (!client->is_running) break;
        expire(client);
        if (client->socket < 0 && client->wants_connection) connect_now(client);
        if (client->socket >= 0) {
            int is_well = listen_a_while(client) && now_ms() - client->heard_ms < 100000;
            if (is_well && !client->is_connected) is_well = now_ms() - client->heard_ms < client->config.network.timeout_ms;
            if (!is_well || (client->is_connected && !send_due(client))) break_off(client);
        }
        struct pollfd waits = {.fd = client->socket, .events = POLLIN};
        pthread_mutex_unlock(&client->lock);
        (void)poll(&waits, 1, POLL_MS);
    }
    pthread_mutex_unlock(&client->lock);
    return NULL;
}

esp_mqtt_client_handle_t esp_mqtt_client_init(const esp_mqtt_client_config_t *config) {
    esp_mqtt_client_handle_t client = calloc(1, sizeof *client);
    if (client == NULL) return NULL;
    client->config = *config;
    client->socket = -1;
    client->received = malloc(PACKET_BYTES_MAX);
    if (client->received == NULL || sscanf(config->broker.address.uri, "mqtt://%127[^:/]:%7[0-9]", client->host, client->port) != 2) {
        ESP_LOGE("mqtt", "the host takes mqtt://HOST:PORT only");
        free(client->received);
        free(client);
        return NULL;
    }
    pthread_mutexattr_t recursive;
    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&client->lock, &recursive);
    return client;
}

esp_err_t esp_mqtt_client_register_event(esp_mqtt_client_handle_t client, esp_mqtt_event_id_t event, esp_event_handler_t handler, void *context) {
    if (event != MQTT_EVENT_ANY) return ESP_ERR_INVALID_ARG;
    client->handler = handler;
    client->context = context;
    return ESP_OK;
}

esp_err_t esp_mqtt_client_start(esp_mqtt_client_handle_t client) {
    client->is_running = client->wants_connection = 1;
    return pthread_create(&client->thread, NULL, run, client) == 0 ? ESP_OK : ESP_FAIL;
}

esp_err_t esp_mqtt_client_reconnect(esp_mqtt_client_handle_t client) {
    pthread_mutex_lock(&client->lock);
    esp_err_t error = client->socket < 0 ? ESP_OK : ESP_FAIL;
    if (error == ESP_OK) client->wants_connection = 1;
    pthread_mutex_unlock(&client->lock);
    return error;
}

esp_err_t esp_mqtt_client_stop(esp_mqtt_client_handle_t client) {
    pthread_mutex_lock(&client->lock);
    const unsigned char goodbye[2] = {0xE0, 0};
    if (client->is_connected && send_due(client)) (void)say(client, goodbye, sizeof goodbye);
    client->is_running = 0;
    pthread_mutex_unlock(&client->lock);
    return pthread_join(client->thread, NULL) == 0 ? ESP_OK : ESP_FAIL;
}

esp_err_t esp_mqtt_client_destroy(esp_mqtt_client_handle_t client) {
    if (client->socket >= 0) close(client->socket);
    while (client->outbox != NULL) remove_item(client, client->outbox->id);
    pthread_mutex_destroy(&client->lock);
    free(client->received);
    free(client);
    return ESP_OK;
}

static int put_out(esp_mqtt_client_handle_t client, struct item *item, unsigned char *id_at) {
    int id;
    pthread_mutex_lock(&client->lock);
    id = client->last_id = client->last_id % 65535 + 1;
    id_at[0] = (unsigned char)(id >> 8);
    id_at[1] = (unsigned char)id;
    item->id = id;
    item->born_ms = now_ms();
    struct item **last = &client->outbox;
    while (*last != NULL) last = &(*last)->next;
    *last = item;
    pthread_mutex_unlock(&client->lock);
    return id;
}

int esp_mqtt_client_subscribe(esp_mqtt_client_handle_t client, const char *topic, int qos) {
    size_t length = 2 + 2 + strlen(topic) + 1;
    struct item *item = calloc(1, sizeof *item + length + 5);
    if (item == NULL) return -1;
    unsigned char *at = put_header(item->packet, 0x82, length), *id_at = at;
    at = put_text(at + 2, topic);
    *at++ = (unsigned char)qos;
    item->length = (size_t)(at - item->packet);
    return put_out(client, item, id_at);
}

int esp_mqtt_client_enqueue(esp_mqtt_client_handle_t client, const char *topic, const char *data, int len, int qos, int retain, bool store) {
    if (qos != 1 || !store) return -1;
    size_t payload = len > 0 ? (size_t)len : strlen(data), length = 2 + strlen(topic) + 2 + payload;
    struct item *item = calloc(1, sizeof *item + length + 5);
    if (item == NULL) return -1;
    unsigned char *at = put_header(item->packet, (unsigned char)(0x32 | (retain ? 1 : 0)), length);
    at = put_text(at, topic);
    unsigned char *id_at = at;
    at += 2;
    memcpy(at, data, payload);
    item->length = (size_t)(at + payload - item->packet);
    return put_out(client, item, id_at);
}
