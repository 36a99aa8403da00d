#pragma once

// Put your sensors here. Channels, units and ranges of a type: GET /api/v1/types/{type}.
void sensors_read(float *room_temperature_c, float *power_w);
