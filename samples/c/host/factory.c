// What a factory does, and then the device: device URI NAME SECRET [READINGS [EVERY_MS]]. NVS and flash are files in the current folder.
#include <stdio.h>
#include <stdlib.h>
#include "nvs.h"

void app_main(void);

int main(int count, char **words) {
    if (count < 4) {
        fprintf(stderr, "device URI {tenant}:{device} SECRET [READINGS [EVERY_MS]]\n");
        return 2;
    }
    nvs_handle_t nvs;
    ESP_ERROR_CHECK(nvs_open("mendline", NVS_READWRITE, &nvs));
    ESP_ERROR_CHECK(nvs_set_str(nvs, "uri", words[1]));
    ESP_ERROR_CHECK(nvs_set_str(nvs, "name", words[2]));
    ESP_ERROR_CHECK(nvs_set_str(nvs, "secret", words[3]));
    ESP_ERROR_CHECK(nvs_set_u32(nvs, "readings", count > 4 ? (uint32_t)strtoul(words[4], NULL, 10) : 0));
    ESP_ERROR_CHECK(nvs_set_u32(nvs, "every_ms", count > 5 ? (uint32_t)strtoul(words[5], NULL, 10) : 1000));
    ESP_ERROR_CHECK(nvs_set_u32(nvs, "spread_ms", 100));
    app_main();
    return 0;
}
