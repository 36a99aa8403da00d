// Wi-Fi or Ethernet as Espressif's examples bring it up (`idf.py menuconfig`, "Example Connection Configuration"). A product puts its own
// way of getting the household's Wi-Fi here.
#include "network.h"
#include "esp_err.h"
#include "esp_event.h"
#include "esp_log.h"
#include "esp_netif.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "protocol_examples_common.h"

static void bring_up(void *nothing) {
    (void)nothing;
    while (example_connect() != ESP_OK) {
        ESP_LOGW("network", "no network, next try in 30 s");
        vTaskDelay(pdMS_TO_TICKS(30000));
    }
    vTaskDelete(NULL);
}

void network_start(void) {
    ESP_ERROR_CHECK(esp_netif_init());
    ESP_ERROR_CHECK(esp_event_loop_create_default());
    if (xTaskCreate(bring_up, "network", 4096, NULL, 5, NULL) != pdPASS) ESP_LOGE("network", "no memory for its task");
}
