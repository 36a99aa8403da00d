#pragma once
#include <stdio.h>
#include <stdlib.h>

typedef int esp_err_t;
#define ESP_OK 0
#define ESP_FAIL (-1)
#define ESP_ERR_NO_MEM 0x101
#define ESP_ERR_INVALID_ARG 0x102
#define ESP_ERR_INVALID_SIZE 0x104
#define ESP_ERR_NOT_FOUND 0x105
#define ESP_ERR_NVS_NOT_FOUND 0x1102
#define ESP_ERR_NVS_INVALID_LENGTH 0x110c

#define ESP_ERROR_CHECK(call)                                                          \
    do {                                                                               \
        esp_err_t error_of_check = (call);                                             \
        if (error_of_check != ESP_OK) {                                                \
            fprintf(stderr, "%s:%d: error 0x%x\n", __FILE__, __LINE__, (unsigned)error_of_check); \
            abort();                                                                   \
        }                                                                              \
    } while (0)
