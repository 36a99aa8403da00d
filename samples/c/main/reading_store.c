// NOR flash turns ones into zeros, and back only by erasing 4 KiB. A slot is therefore written once, and marked as done by zeroing one word
// that was left erased; nothing is erased per reading. The partition must not be encrypted (that allows no second write).
#include "reading_store.h"
#include <stddef.h>
#include <string.h>
#include "esp_log.h"
#include "esp_partition.h"
#include "esp_rom_crc.h"

#define SECTOR_BYTES 4096u
#define WAITS 0xFFFFFFFFu

struct slot {
    struct reading reading;
    uint32_t order;
    uint32_t crc;
    uint8_t spare[20];
    uint32_t done;  // WAITS, then 0
};
#define SLOT_BYTES 64u
_Static_assert(sizeof(struct reading) == 32, "what is on flash has no hidden bytes");
_Static_assert(sizeof(struct slot) == SLOT_BYTES, "slots fill a sector");

#define SLOTS_PER_SECTOR (SECTOR_BYTES / SLOT_BYTES)

static const char *TAG = "store";
static const esp_partition_t *partition;
static uint32_t slots, begin, end, waiting, dropped;

static uint32_t crc_of(const struct slot *slot) { return esp_rom_crc32_le(0, (const uint8_t *)slot, offsetof(struct slot, crc)); }

static bool load(uint32_t at, struct slot *slot) { return esp_partition_read(partition, (size_t)at * SLOT_BYTES, slot, sizeof *slot) == ESP_OK; }

static bool is_whole(const struct slot *slot, uint32_t at) { return slot->crc == crc_of(slot) && slot->order % slots == at; }

esp_err_t store_open(void) {
    partition = esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, "readings");
    if (partition == NULL) return ESP_ERR_NOT_FOUND;
    slots = (uint32_t)(partition->size / SECTOR_BYTES) * SLOTS_PER_SECTOR;
    if (slots < 2 * SLOTS_PER_SECTOR) return ESP_ERR_INVALID_SIZE;
    begin = end = waiting = dropped = 0;
    uint32_t oldest = UINT32_MAX;
    struct slot slot;
    for (uint32_t at = 0; at < slots; at++) {
        if (!load(at, &slot) || !is_whole(&slot, at)) continue;
        if (slot.order + 1 > end) end = slot.order + 1;
        if (slot.done != WAITS) continue;
        waiting++;
        if (slot.order < oldest) oldest = slot.order;
    }
    begin = waiting > 0 ? oldest : end;
    ESP_LOGI(TAG, "%u readings wait from before", (unsigned)waiting);
    return ESP_OK;
}

// Makes the sector at `at` empty; readings that still waited there are lost and counted.
static esp_err_t clear_sector(uint32_t at) {
    struct slot slot;
    uint32_t lost = 0;
    for (uint32_t one = at; one < at + SLOTS_PER_SECTOR; one++) {
        if (load(one, &slot) && is_whole(&slot, one) && slot.done == WAITS) lost++;
    }
    esp_err_t error = esp_partition_erase_range(partition, (size_t)at * SLOT_BYTES, SECTOR_BYTES);
    if (error != ESP_OK) return error;
    waiting -= lost;
    dropped += lost;
    if (lost > 0) ESP_LOGW(TAG, "full: %u readings dropped", (unsigned)lost);
    if (end >= slots && begin < end - slots + SLOTS_PER_SECTOR) begin = end - slots + SLOTS_PER_SECTOR;
    return ESP_OK;
}

static bool is_blank(const struct slot *slot) {
    const uint8_t *bytes = (const uint8_t *)slot;
    for (size_t index = 0; index < sizeof *slot; index++) {
        if (bytes[index] != 0xFF) return false;
    }
    return true;
}

esp_err_t store_append(const struct reading *reading) {
    struct slot slot;
    for (;; end++) {
        uint32_t at = end % slots;
        if (at % SLOTS_PER_SECTOR == 0) {
            esp_err_t error = clear_sector(at);
            if (error != ESP_OK) return error;
            break;
        }
        // A slot that a power cut tore is passed over.
        if (load(at, &slot) && is_blank(&slot)) break;
    }
    memset(&slot, 0xFF, sizeof slot);
    slot.reading = *reading;
    slot.order = end;
    slot.crc = crc_of(&slot);
    esp_err_t error = esp_partition_write(partition, (size_t)(end % slots) * SLOT_BYTES, &slot, offsetof(struct slot, done));
    if (error != ESP_OK) return error;
    if (waiting == 0) begin = end;
    waiting++;
    end++;
    return ESP_OK;
}

bool store_read(uint32_t order, struct reading *reading) {
    struct slot slot;
    uint32_t at = order % slots;
    if (!load(at, &slot) || !is_whole(&slot, at) || slot.order != order || slot.done != WAITS) return false;
    *reading = slot.reading;
    return true;
}

void store_done(uint32_t order) {
    struct reading reading;
    if (!store_read(order, &reading)) return;
    const uint32_t done = 0;
    size_t at = (size_t)(order % slots) * SLOT_BYTES + offsetof(struct slot, done);
    if (esp_partition_write(partition, at, &done, sizeof done) != ESP_OK) return;  // it is sent again, and stored once
    waiting--;
    while (begin < end && !store_read(begin, &reading)) begin++;
}

uint32_t store_begin(void) { return begin; }
uint32_t store_end(void) { return end; }
uint32_t store_waiting(void) { return waiting; }
uint32_t store_dropped(void) { return dropped; }

uint32_t store_last_boot(void) {
    struct slot slot;
    uint32_t last = 0;
    for (uint32_t at = 0; at < slots; at++) {
        if (load(at, &slot) && is_whole(&slot, at) && slot.reading.boot > last) last = slot.reading.boot;
    }
    return last;
}

int64_t store_run_time_ms(uint32_t from, uint32_t before) {
    struct slot slot;
    int64_t sum = 0, of_boot = 0;
    uint32_t boot = 0;
    for (uint32_t order = begin; order < end; order++) {
        uint32_t at = order % slots;
        if (!load(at, &slot) || !is_whole(&slot, at) || slot.reading.boot < from || slot.reading.boot >= before) continue;
        if (slot.reading.boot != boot) sum += of_boot;
        boot = slot.reading.boot;
        of_boot = slot.reading.uptime_ms;
    }
    return sum + of_boot;
}
