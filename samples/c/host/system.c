// Tasks, queues, time and network of ESP-IDF on a host. The wall clock stands at 1970 until SNTP has "answered", as on a chip without a
// battery: HOST_SNTP_AFTER_MS says when (default at once), negative = never.
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/time.h>
#include <time.h>
#include "esp_crt_bundle.h"
#include "esp_event.h"
#include "esp_log.h"
#include "esp_netif.h"
#include "esp_netif_sntp.h"
#include "esp_random.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"
#include "freertos/task.h"
#include "protocol_examples_common.h"

static struct timespec started;
static volatile bool is_synchronised;
static esp_sntp_time_cb_t on_sync;

__attribute__((constructor)) static void remember_start(void) { clock_gettime(CLOCK_MONOTONIC, &started); }

int64_t esp_timer_get_time(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)(now.tv_sec - started.tv_sec) * 1000000 + (now.tv_nsec - started.tv_nsec) / 1000;
}

// The linker puts this in the place of gettimeofday (--wrap).
int __real_gettimeofday(struct timeval *now, void *zone);
int __wrap_gettimeofday(struct timeval *now, void *zone);
int __wrap_gettimeofday(struct timeval *now, void *zone) {
    if (__atomic_load_n(&is_synchronised, __ATOMIC_ACQUIRE)) return __real_gettimeofday(now, zone);
    int64_t us = esp_timer_get_time();
    now->tv_sec = us / 1000000;
    now->tv_usec = us % 1000000;
    return 0;
}

static void sleep_ms(long ms) { nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000}, NULL); }

static void *answer_sntp(void *after) {
    sleep_ms((long)(intptr_t)after);
    struct timeval now;
    __atomic_store_n(&is_synchronised, true, __ATOMIC_RELEASE);
    gettimeofday(&now, NULL);
    if (on_sync != NULL) on_sync(&now);
    return NULL;
}

static bool start_thread(void *(*run)(void *), void *argument) {
    pthread_t thread;
    return pthread_create(&thread, NULL, run, argument) == 0 && pthread_detach(thread) == 0;
}

esp_err_t esp_netif_sntp_init(const esp_sntp_config_t *config) {
    const char *after = getenv("HOST_SNTP_AFTER_MS");
    long after_ms = after == NULL ? 0 : strtol(after, NULL, 10);
    on_sync = config->sync_cb;
    return after_ms < 0 || start_thread(answer_sntp, (void *)(intptr_t)after_ms) ? ESP_OK : ESP_FAIL;
}

uint32_t esp_random(void) {
    uint32_t value = 0;
    return getrandom(&value, sizeof value, 0) == (ssize_t)sizeof value ? value : (uint32_t)esp_timer_get_time();
}

esp_err_t esp_netif_init(void) { return ESP_OK; }
esp_err_t esp_event_loop_create_default(void) { return ESP_OK; }
esp_err_t example_connect(void) { return ESP_OK; }
esp_err_t esp_crt_bundle_attach(void *conf) { return conf == NULL ? ESP_FAIL : ESP_OK; }

struct task {
    void (*run)(void *);
    void *argument;
};

static void *run_task(void *given) {
    struct task task = *(struct task *)given;
    free(given);
    task.run(task.argument);
    return NULL;
}

BaseType_t xTaskCreate(void (*run)(void *), const char *name, uint32_t stack, void *argument, UBaseType_t priority, TaskHandle_t *handle) {
    (void)name;
    (void)stack;
    (void)priority;
    (void)handle;
    struct task *task = malloc(sizeof *task);
    if (task == NULL) return pdFALSE;
    *task = (struct task){run, argument};
    if (start_thread(run_task, task)) return pdPASS;
    free(task);
    return pdFALSE;
}

void vTaskDelay(TickType_t ticks) { sleep_ms((long)ticks); }
// The thread ends by returning.
void vTaskDelete(TaskHandle_t task) { (void)task; }

struct host_queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned length, item_size, first, count;
    unsigned char items[];
};

QueueHandle_t xQueueCreate(UBaseType_t length, UBaseType_t item_size) {
    struct host_queue *queue = calloc(1, sizeof *queue + (size_t)length * item_size);
    if (queue == NULL) return NULL;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->changed, &monotonic);
    queue->length = length;
    queue->item_size = item_size;
    return queue;
}

BaseType_t xQueueSend(QueueHandle_t queue, const void *item, TickType_t wait) {
    (void)wait;  // the sample never waits here
    pthread_mutex_lock(&queue->lock);
    bool fits = queue->count < queue->length;
    if (fits) {
        memcpy(queue->items + (size_t)((queue->first + queue->count) % queue->length) * queue->item_size, item, queue->item_size);
        queue->count++;
        pthread_cond_signal(&queue->changed);
    }
    pthread_mutex_unlock(&queue->lock);
    return fits ? pdTRUE : pdFALSE;
}

BaseType_t xQueueReceive(QueueHandle_t queue, void *item, TickType_t wait) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait / 1000;
    until.tv_nsec += (long)(wait % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&queue->lock);
    while (queue->count == 0 && pthread_cond_timedwait(&queue->changed, &queue->lock, &until) == 0) continue;
    bool is_there = queue->count > 0;
    if (is_there) {
        memcpy(item, queue->items + (size_t)queue->first * queue->item_size, queue->item_size);
        queue->first = (queue->first + 1) % queue->length;
        queue->count--;
    }
    pthread_mutex_unlock(&queue->lock);
    return is_there ? pdTRUE : pdFALSE;
}
