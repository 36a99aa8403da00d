// NVS and the partition "readings" as files in the current folder. The partition behaves as NOR flash does: a write turns ones into zeros
// only, an erase takes whole sectors; both are on disk when they return.
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#include "esp_partition.h"
#include "esp_rom_crc.h"
#include "nvs.h"
#include "nvs_flash.h"

#define SECTOR 4096u

static int partition_file = -1;
static esp_partition_t readings;

const esp_partition_t *esp_partition_find_first(esp_partition_type_t type, esp_partition_subtype_t subtype, const char *label) {
    (void)subtype;
    if (type != ESP_PARTITION_TYPE_DATA || strcmp(label, "readings") != 0) return NULL;
    if (partition_file >= 0) return &readings;
    const char *kib = getenv("HOST_READINGS_KIB");
    readings.size = (kib == NULL ? 1024u : (uint32_t)strtoul(kib, NULL, 10)) * 1024u;
    readings.erase_size = SECTOR;
    partition_file = open("readings.flash", O_RDWR | O_CREAT, 0600);
    if (partition_file < 0) return NULL;
    off_t length = lseek(partition_file, 0, SEEK_END);
    unsigned char blank[SECTOR];
    memset(blank, 0xFF, sizeof blank);
    for (; length < (off_t)readings.size; length += SECTOR) {
        if (pwrite(partition_file, blank, sizeof blank, length) != (ssize_t)sizeof blank) return NULL;
    }
    return &readings;
}

static bool fits(const esp_partition_t *partition, size_t offset, size_t size) { return offset <= partition->size && size <= partition->size - offset; }

esp_err_t esp_partition_read(const esp_partition_t *partition, size_t offset, void *to, size_t size) {
    if (!fits(partition, offset, size)) return ESP_ERR_INVALID_SIZE;
    return pread(partition_file, to, size, (off_t)offset) == (ssize_t)size ? ESP_OK : ESP_FAIL;
}

esp_err_t esp_partition_write(const esp_partition_t *partition, size_t offset, const void *from, size_t size) {
    unsigned char bytes[SECTOR];
    if (!fits(partition, offset, size) || size > sizeof bytes) return ESP_ERR_INVALID_SIZE;
    if (esp_partition_read(partition, offset, bytes, size) != ESP_OK) return ESP_FAIL;
    for (size_t index = 0; index < size; index++) bytes[index] &= ((const unsigned char *)from)[index];
    if (pwrite(partition_file, bytes, size, (off_t)offset) != (ssize_t)size) return ESP_FAIL;
    return fdatasync(partition_file) == 0 ? ESP_OK : ESP_FAIL;
}

esp_err_t esp_partition_erase_range(const esp_partition_t *partition, size_t offset, size_t size) {
    unsigned char blank[SECTOR];
    if (!fits(partition, offset, size)) return ESP_ERR_INVALID_SIZE;
    if (offset % SECTOR != 0 || size % SECTOR != 0) return ESP_ERR_INVALID_ARG;
    memset(blank, 0xFF, sizeof blank);
    for (size_t at = offset; at < offset + size; at += SECTOR) {
        if (pwrite(partition_file, blank, sizeof blank, (off_t)at) != (ssize_t)sizeof blank) return ESP_FAIL;
    }
    return fdatasync(partition_file) == 0 ? ESP_OK : ESP_FAIL;
}

uint32_t esp_rom_crc32_le(uint32_t crc, uint8_t const *bytes, uint32_t length) {
    crc = ~crc;
    for (uint32_t index = 0; index < length; index++) {
        crc ^= bytes[index];
        for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
    }
    return ~crc;
}

// One file a key: nvs.KEY.
static void name_of(const char *key, const char *suffix, char *name, size_t size) { snprintf(name, size, "nvs.%s%s", key, suffix); }

static esp_err_t get(const char *key, void *value, size_t *length) {
    char name[64];
    name_of(key, "", name, sizeof name);
    int file = open(name, O_RDONLY);
    if (file < 0) return errno == ENOENT ? ESP_ERR_NVS_NOT_FOUND : ESP_FAIL;
    off_t size = lseek(file, 0, SEEK_END);
    esp_err_t error = ESP_ERR_NVS_INVALID_LENGTH;
    if (size >= 0 && (size_t)size <= *length) error = pread(file, value, (size_t)size, 0) == size ? ESP_OK : ESP_FAIL;
    close(file);
    if (error == ESP_OK) *length = (size_t)size;
    return error;
}

static esp_err_t set(const char *key, const void *value, size_t length) {
    char name[64], new_name[64];
    name_of(key, "", name, sizeof name);
    name_of(key, ".new", new_name, sizeof new_name);
    int file = open(new_name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file < 0) return ESP_FAIL;
    bool is_written = write(file, value, length) == (ssize_t)length && fdatasync(file) == 0;
    close(file);
    return is_written && rename(new_name, name) == 0 ? ESP_OK : ESP_FAIL;
}

esp_err_t nvs_flash_init(void) { return ESP_OK; }

esp_err_t nvs_open(const char *space, nvs_open_mode_t mode, nvs_handle_t *handle) {
    (void)space;
    (void)mode;
    *handle = 1;
    return ESP_OK;
}

esp_err_t nvs_get_u32(nvs_handle_t handle, const char *key, uint32_t *value) {
    size_t length = sizeof *value;
    return nvs_get_blob(handle, key, value, &length);
}

esp_err_t nvs_set_u32(nvs_handle_t handle, const char *key, uint32_t value) { return nvs_set_blob(handle, key, &value, sizeof value); }

esp_err_t nvs_get_str(nvs_handle_t handle, const char *key, char *value, size_t *length) { return nvs_get_blob(handle, key, value, length); }

esp_err_t nvs_set_str(nvs_handle_t handle, const char *key, const char *value) { return nvs_set_blob(handle, key, value, strlen(value) + 1); }

esp_err_t nvs_get_blob(nvs_handle_t handle, const char *key, void *value, size_t *length) {
    (void)handle;
    return get(key, value, length);
}

esp_err_t nvs_set_blob(nvs_handle_t handle, const char *key, const void *value, size_t length) {
    (void)handle;
    return set(key, value, length);
}

esp_err_t nvs_commit(nvs_handle_t handle) {
    (void)handle;
    return ESP_OK;
}
