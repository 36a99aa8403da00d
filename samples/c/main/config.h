// What the factory wrote into NVS, namespace "mendline" (see README.md), and the boot counter.
#pragma once
#include <stdint.h>
#include "esp_err.h"

struct config {
    char uri[128];     // mqtts://mendline.example:8883
    char name[130];    // {tenant}:{device}: user name and client id
    char secret[256];
    char ca[4001];     // PEM of the authority that signed the server's certificate; empty = the public ones
    uint32_t every_ms;
    uint32_t spread_ms;  // the first connection waits a random part of it
    uint32_t readings;   // for trials: end after so many; 0 = never
    uint32_t boot;       // of this start; on flash before anything uses it
};

// Opens NVS and the ring of readings, reads the settings and counts the boot.
esp_err_t config_open(struct config *config);
// Topic of this device: mend/v1/{tenant}/{device}/{rest}.
void config_topic(const struct config *config, const char *rest, char *topic, unsigned size);
// Small values that outlast a restart.
esp_err_t config_save(const char *key, const void *value, unsigned size);
esp_err_t config_load(const char *key, void *value, unsigned size);
