// Reads members of a JSON object in place; enough for what the server sends to a device, which is valid JSON.
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct json_part {
    const char *start;
    size_t length;
};

// Finds a member of the object in `object`; false when there is none.
bool json_member(struct json_part object, const char *name, struct json_part *value);
bool json_is(struct json_part value, const char *word);
bool json_number(struct json_part value, double *number);
// Copies a text without its quotes; false when it is none, has escapes, or is too long.
bool json_text(struct json_part value, char *text, size_t size);
