// The MQTT connection. esp-mqtt calls its handler while it holds its own lock, so the handler only puts what happened into a queue; all
// state belongs to the task that calls link_wait.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "config.h"

enum link_kind { LINK_NOTHING, LINK_CONNECTED, LINK_DISCONNECTED, LINK_ACKNOWLEDGED, LINK_LOST, LINK_MESSAGE };

struct link_event {
    enum link_kind kind;
    int id;         // of the message that was acknowledged, or lost by esp-mqtt before
    char *topic;    // LINK_MESSAGE: topic and payload, freed by link_free
    char *payload;
};

esp_err_t link_start(const struct config *config);
// Waits at most so long for something to happen; reconnects on the way.
struct link_event link_wait(int64_t wait_ms);
void link_free(struct link_event *event);
bool link_is_up(void);
// Gives the id of the message, negative when it was not taken. Never waits for the network.
int link_send(const char *topic, const char *payload, bool retain);
void link_subscribe(const char *filter);
// Sends what is due and says goodbye.
void link_stop(void);
