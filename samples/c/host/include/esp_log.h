#pragma once
#include <stdio.h>

#define HOST_LOG(level, tag, ...) (fprintf(stderr, "%s %s: ", level, tag), fprintf(stderr, __VA_ARGS__), (void)fputc('\n', stderr))
#define ESP_LOGE(tag, ...) HOST_LOG("E", tag, __VA_ARGS__)
#define ESP_LOGW(tag, ...) HOST_LOG("W", tag, __VA_ARGS__)
#define ESP_LOGI(tag, ...) HOST_LOG("I", tag, __VA_ARGS__)
#define ESP_LOGD(tag, ...) ((void)0)
