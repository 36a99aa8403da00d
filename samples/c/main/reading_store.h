// Readings on flash until the server has them: a ring of fixed slots on the partition "readings", oldest first. What store_append took
// survives a power cut. When the ring is full the oldest sector (64 readings) is dropped and counted.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "esp_err.h"

struct reading {
    uint32_t boot;
    uint32_t seq;
    int64_t uptime_ms;
    int64_t ts_ms;  // wall clock; 0 = not known when it was measured
    float room_temperature_c;
    float power_w;
};

esp_err_t store_open(void);
// Writes a reading; when this gives ESP_OK it is on flash.
esp_err_t store_append(const struct reading *reading);
// Orders run from store_begin (the oldest that waits) to store_end.
uint32_t store_begin(void);
uint32_t store_end(void);
// False when the slot of that order is done, torn or overwritten.
bool store_read(uint32_t order, struct reading *reading);
// The server has it.
void store_done(uint32_t order);
uint32_t store_waiting(void);
// Dropped since the last store_open, because the ring was full.
uint32_t store_dropped(void);
// The highest boot number of any reading on flash, 0 = none.
uint32_t store_last_boot(void);
// Sum of the run times, as far as readings show them, of the boots from..before-1.
int64_t store_run_time_ms(uint32_t from, uint32_t before);
