/** Bounds of settings, commands and presence of devices, a part of `limits.ts`; what happens at each is said with it. */
export const twinLimits = {
  /** Commands of one device that are not ended; a further one is refused. */
  commandsPerDevice_MAX: 100,
  /** UTF-8 bytes of a command's payload as JSON; a longer one is refused. */
  commandPayloadBytes_MAX: 16 * 1024,
  /** Longest life of a command; a longer one is refused. */
  commandLifeMs_MAX: 30 * 24 * 3_600_000,
  /** Life of a command that names none. */
  commandLifeMs: 24 * 3_600_000,
  /** Times that a command is sent by the schedule; after that only when the device subscribes again, until it expires. */
  commandAttempts_MAX: 20,
  /** Ended commands kept of one device; above it the oldest go. */
  commandsKeptPerDevice_MAX: 1_000,
  /** UTF-8 bytes of settings as they should be, or as they are; a longer document is refused, and a report that makes one is set aside. */
  twinDocumentBytes_MAX: 32 * 1024,
  /** Changes of desired and reported settings kept of one device and kind; above it the oldest go. */
  twinHistoryPerDevice_MAX: 1_000,
  /** Age of a change or an ended command in days at which it goes. */
  twinHistoryDays_MAX: 400,
  /** Messages for the twin that wait for the operational store; above it they are read from the journal again. */
  twinMessagesWaiting_MAX: 5_000,
  /** Time a device may be away before it is silent; after a start of the server it has as long to come back. */
  presenceGraceMs: 120_000,
} as const
