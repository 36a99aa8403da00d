#include "json.h"
#include <stdlib.h>
#include <string.h>

static const char *skip_space(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
    return at;
}

static const char *skip_text(const char *at, const char *end) {
    for (at++; at < end && *at != '"'; at++) {
        if (*at == '\\') at++;
    }
    return at < end ? at + 1 : end;
}

static const char *skip_value(const char *at, const char *end) {
    int depth = 0;
    while (at < end) {
        if (*at == '"') {
            at = skip_text(at, end);
        } else if (*at == '{' || *at == '[') {
            depth++;
            at++;
        } else if (*at == '}' || *at == ']') {
            if (depth == 0) return at;
            depth--;
            at++;
        } else if (*at == ',' && depth == 0) {
            return at;
        } else {
            at++;
            continue;
        }
        if (depth == 0) return at;
    }
    return at;
}

bool json_member(struct json_part object, const char *name, struct json_part *value) {
    const char *end = object.start + object.length;
    const char *at = skip_space(object.start, end);
    if (at >= end || *at != '{') return false;
    for (at++;; at++) {
        at = skip_space(at, end);
        if (at >= end || *at != '"') return false;
        const char *key = at + 1;
        at = skip_text(at, end);
        size_t length = at - key > 0 ? (size_t)(at - key) - 1 : 0;
        at = skip_space(at, end);
        if (at >= end || *at != ':') return false;
        at = skip_space(at + 1, end);
        const char *start = at;
        at = skip_value(at, end);
        if (length == strlen(name) && memcmp(key, name, length) == 0) {
            while (at > start && strchr(" \t\r\n", at[-1]) != NULL) at--;
            *value = (struct json_part){start, (size_t)(at - start)};
            return true;
        }
        at = skip_space(at, end);
        if (at >= end || *at != ',') return false;
    }
}

bool json_is(struct json_part value, const char *word) { return value.length == strlen(word) && memcmp(value.start, word, value.length) == 0; }

bool json_number(struct json_part value, double *number) {
    char text[32], *end;
    if (value.length == 0 || value.length >= sizeof text || strchr("-0123456789", *value.start) == NULL) return false;
    memcpy(text, value.start, value.length);
    text[value.length] = '\0';
    *number = strtod(text, &end);
    return *end == '\0';
}

bool json_text(struct json_part value, char *text, size_t size) {
    if (value.length < 2 || *value.start != '"' || value.length - 2 >= size) return false;
    if (memchr(value.start, '\\', value.length) != NULL) return false;
    memcpy(text, value.start + 1, value.length - 2);
    text[value.length - 2] = '\0';
    return true;
}
