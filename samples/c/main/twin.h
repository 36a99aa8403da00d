// Settings and commands: takes what the server wants (`desired`), says what is (`reported`), carries commands out once and answers them.
#pragma once
#include "config.h"

void twin_open(const struct config *config);
// Subscribes and reports; after each connection.
void twin_on_connected(void);
void twin_on_message(const char *topic, const char *payload);
