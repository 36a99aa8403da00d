// Time of a chip that has no battery: run time from the start, wall clock once SNTP has set it. A reading from before gets its time later,
// from its run time and the moment of the start.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "reading_store.h"

void clock_start(uint32_t boot);
int64_t clock_uptime_ms(void);
// Wall clock in epoch ms, 0 = not set yet.
int64_t clock_now_ms(void);
// Gives the reading its time; false = not known yet, keep it. The same reading always gets the same time, also after a restart.
bool clock_stamp(struct reading *reading);
