#pragma once

// Brings the network up in a task of its own and tries again until it is there; measuring does not wait for it.
void network_start(void);
