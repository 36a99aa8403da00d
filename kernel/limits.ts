/**
 * Every bound of the program, named once, with what happens there. Values are from the design (section 5) unless said.
 * `assert-limits.ts` holds the relations between them at start.
 */
import { twinLimits } from './twin-limits.ts'

export const limits = {
  // --- connections: the socket is closed and the refusal counted by code ---
  /** Bytes of one MQTT packet before login; at the bound the socket is closed. */
  packetBytesBeforeLogin_MAX: 4 * 1024,
  /** Bytes of one MQTT packet after login; at the bound the socket is closed. */
  packetBytes_MAX: 128 * 1024,
  /** Time from accept to a whole CONNECT; then the socket is closed. */
  connectDeadlineMs: 10_000,
  /** Time from the first to the last byte of one packet; then the socket is closed. */
  packetDeadlineMs: 30_000,
  /**
   * Sockets that have not logged in, all addresses together; a further one is closed at once. As many as a town that has its power back
   * brings at one moment (chosen); they wait for their login in order.
   */
  halfOpen_MAX: 10_000,
  /** Sockets that have not logged in, of one address; a further one is closed at once. Loopback counts like any other. */
  halfOpenPerAddress_MAX: 1_000,
  /** Connections of one address, logged in or not (a gateway's NAT may hold a building); a further one is closed. */
  connectionsPerAddress_MAX: 20_000,
  /** Connections in all; a further one is closed. */
  connections_MAX: 50_000,
  /** Longest keepalive granted; a longer or absent one is treated as this. */
  keepaliveS_MAX: 3_600,
  /** CONNECTs checked at one time; further ones wait in order. */
  loginsInFlight_MAX: 64,
  /** TLS handshakes worked on at one time; further ones wait in order, and the addresses take turns. */
  handshakesInFlight_MAX: 256,
  /** A TLS handshake that takes longer gives its place to the next that waits, and goes on beside ... */
  handshakeStallMs: 1_000,
  /** ... with at most so many; above it the oldest of the address that has most of them is closed. */
  handshakesStalled_MAX: 1_000,
  /** Time from the begin of a TLS handshake, after its turn has come, to its end; then the socket is closed. */
  handshakeDeadlineMs: 10_000,
  /** Bytes of a ClientHello; a longer one is refused before any work is done for it. */
  clientHelloBytes_MAX: 16 * 1024,
  /** Time in which a TLS session may be resumed; the keys of its tickets are kept in memory only and made anew as often. */
  tlsTicketMs: 12 * 3_600_000,
  /** Filters in one SUBSCRIBE; above it the packet is refused and the socket closed. */
  filtersPerSubscribe_MAX: 8,
  /** Publishes a second that one device may send, sustained; above it its socket is read more slowly. */
  devicePublishesPerS_MAX: 200,
  /** Publishes that one device may send at once after a pause (a backlog). */
  devicePublishBurst_MAX: 2_000,
  /** Bytes that may wait in one socket's outgoing buffer; then the socket is closed. */
  socketBufferBytes_MAX: 1024 * 1024,
  /** Time Aedes waits for a stalled subscriber before it closes it. */
  drainTimeoutMs: 5_000,
  /** Bytes of one token of the publish rate: a publish costs one token for each of these that it begins. */
  publishTokenBytes: 16 * 1024,
  /** Bytes that one connection may have waiting for the journal; above it its socket is not read. */
  connectionInFlightBytes_MAX: 512 * 1024,
  /** UTF-8 bytes of a topic, filter, client id or user name; a packet with a longer one is malformed. */
  topicBytes_MAX: 1_024,
  /** Messages kept for a session that is offline; further ones are dropped and counted (the platform repeats what still matters). */
  offlineMessages_MAX: 100,
  /** Subscriptions of one session; a further one is answered with failure. */
  subscriptionsPerSession_MAX: 64,
  /** Time a socket gets to take its last bytes (a refusing CONNACK) before it is destroyed. */
  farewellMs: 1_000,
  /** Time that stopping waits for messages on their way into the journal; then their sockets are closed without PUBACK. */
  brokerDrainMs: 5_000,
  /** Time an old device secret stays valid after a rotation. */
  secretOverlapMs: 24 * 3_600_000,
  /** Failed logins of one name from one address without a delay; then the first delay, doubled by each further one. */
  guessesFree_MAX: 5,
  /** Failed logins of one name from all addresses without a delay; then addresses that failed under it wait as well. */
  nameGuessesFree_MAX: 50,
  /** Failed logins of one address without a delay (a building may stand behind it); then names that never came in from it wait. */
  addressGuessesFree_MAX: 200,
  /** First delay after too many failed logins; attempts during it are refused unchecked. */
  guessLockMs: 1_000,
  /** Longest delay of a name. */
  guessLockMs_MAX: 300_000,
  /** Longest delay of an address. */
  addressLockMs_MAX: 60_000,
  /** Without a failure for so long, the failures before are forgotten. */
  guessForgetMs: 15 * 60_000,
  /** Entries of each count of failed logins; above it the oldest is forgotten. */
  guessEntries_MAX: 50_000,
  /** Public keys of one principal for tokens; a further one is refused. */
  keysPerPrincipal_MAX: 4,
  /** Longest time from now to the end of a token (`exp`); a longer one is refused. */
  tokenLifetimeMs_MAX: 24 * 3_600_000,
  /** Time in which an appliance may ask again for the secret of a used claim token, with the same nonce. */
  claimRetryMs: 15 * 60_000,
  /** Devices that one gateway may speak for; a longer list is refused. */
  gatewayDevices_MAX: 10_000,
  /** Largest `max_age_days` of a device, in days. */
  deviceAgeDays_MAX: 36_500,
  /** Earliest time of a row of an import, 2000-01-01 UTC; before it stands a clock that was never set, or a column of seconds. */
  importTimeMs_MIN: 946_684_800_000,

  // --- payloads: quarantined with the reason, acknowledged ---
  /** Readings in one payload. */
  readingsPerPayload_MAX: 500,
  /** Nesting of a JSON payload. */
  jsonDepth_MAX: 8,
  /** Values in one reading. */
  channelsPerReading_MAX: 512,
  /** UTF-16 units of a text value or firmware version. */
  textLength_MAX: 64,
  /** Device time ahead of receipt, default per device. */
  aheadMs_MAX: 5 * 60_000,
  /** Device time behind receipt in days, default per device (`max_age_days`). */
  behindDays_MAX: 30,
  /** Sparkplug edge nodes whose births are remembered; above it the one unused for longest is forgotten and asked for a rebirth. */
  sparkplugEdges_MAX: 10_000,
  /** Metrics remembered of the births of one edge node, its devices included; further ones count as unknown. */
  sparkplugMetrics_MAX: 5_000,
  /** UTF-8 bytes of names and datatypes that a record carries beside a Sparkplug payload; further metrics count as unknown. */
  sparkplugContextBytes_MAX: 24 * 1024,
  /** Least time between two requests for a rebirth to one edge node. */
  sparkplugRebirthMs: 10_000,
  /** Variables that one OPC UA server may give; further ones of the mapping are refused at the start of the gateway. */
  opcuaNodes_MAX: 20_000,
  /** Values in one record of an OPC UA gateway; more go in several. */
  opcuaValuesPerRecord_MAX: 300,
  /** Records of one OPC UA server that wait for the journal; above it no publish is asked for, and the server's queues hold. */
  opcuaPending_MAX: 16,
  /** Values asked for at a time in a HistoryRead. */
  opcuaHistoryValues: 1_000,
  /** Values of one variable fetched to fill one gap; what lies behind is told as a gap. */
  opcuaHistoryValues_MAX: 500_000,
  /** Longest wait for one answer of an OPC UA server. */
  opcuaTimeoutMs: 15_000,
  /** Pause before an OPC UA server is tried again; doubled by each failure up to a minute. */
  opcuaRetryMs: 1_000,
  /** Mappings of one tenant, each in all its versions; a further one is refused. */
  mappingsPerTenant_MAX: 200,

  // --- journal ---
  /** Bytes of one record's body; a longer one is refused (packets are bounded below it). */
  journalRecordBytes_MAX: 160 * 1024,
  /** Bytes waiting for the next group commit; at the bound sockets are no longer read. */
  journalPendingBytes_MAX: 32 * 1024 * 1024,
  /** A segment is closed and the next begun at this size. */
  journalSegmentBytes: 64 * 1024 * 1024,
  /** Least time from the begin of a full commit to the next; a commit begins at once when the last one began longer ago. */
  journalCommitPauseMs: 2,
  /** A commit of fewer records is not full: the next one does not pause behind it, for there is little that would share it. */
  journalFullCommitRecords: 8,
  /** A commit begins without that pause when this many bytes wait. */
  journalCommitBytes: 256 * 1024,
  /** Zeros laid out before the end of the journal, which later records replace at less cost; 0 lays out none. */
  journalZeroedBytes: 1024 * 1024,
  /** After an error of the disk a new segment is tried this often; until then appends are refused. */
  journalRetryMs: 1_000,

  // --- pipeline ---
  /** Bytes read from the journal in one turn of the pipeline. */
  pipelineReadBytes: 1024 * 1024,
  /** Where fewer bytes of the journal wait than this, the pipeline gathers before it reads, unless a query waits ... */
  pipelineGatherBytes: 64 * 1024,
  /** ... for this time. */
  pipelineGatherMs: 10,
  /** Readings that wait for one commit of the store; then the pipeline waits for the commit. */
  storeBatchReadings_MAX: 32_768,
  /** The same in bytes of their values, for types with very many channels. */
  storeBatchBytes_MAX: 64 * 1024 * 1024,
  /** Longest time a reading waits for a commit of the store. */
  storeFlushMs: 1_000,
  /** Quarantine entries of one payload; a last entry says how many more there were. */
  quarantinePerPayload_MAX: 20,
  /** Stretches of sequence numbers remembered for one boot of a device; above it the oldest two become one, and the store is asked. */
  dedupStretches_MAX: 1_024,
  /** Boots remembered for one device; above it the one unused for longest is forgotten, and the store is asked. */
  dedupBoots_MAX: 16,
  /** Firmware versions stored of one device; a further one is stored as absent, and the quarantine names the first. */
  firmwaresPerDevice_MAX: 64,
  /** Readings in one hot table of a type; at the bound it is closed and becomes files, and a new one is begun. */
  storeHotReadings_MAX: 2_000_000,
  /** UTC days, today included, whose receipts stay in hot tables; then they become files. */
  storeHotDays: 1,
  /** Files of one day and type that wait to become one; above it they are merged before new ones are made of closed tables. */
  storeDayFiles_MAX: 8,
  /** Pause between two steps of the store's maintenance. */
  storeMaintenanceMs: 1_000,
  /** Memory of the store's engine, in MiB; above it the engine works on disk. */
  storeMemoryMib: 512,
  /** Longest wait for one answer of a time-series engine; then the batch is tried again. */
  influxTimeoutMs: 10_000,
  /** Longest wait of a query until a time-series engine has taken what is on its way to it. */
  influxReadWaitMs: 4_000,
  /** Points in one request to a time-series engine; more go in several. */
  influxBatchPoints: 5_000,
  /** Rows that may wait for the engine's flush beside it (texts, quarantine); at the bound the store checkpoints at once. */
  influxSidePending_MAX: 10_000,
  /** Points that are kept until the engine has them on its disk, to be sent again after it started anew; at the bound the store checkpoints first. */
  influxUnsettled_MAX: 50_000,
  /** State of the pipeline (dedup, rules, windows) is written at the latest after this many records ... */
  snapshotRecords: 500_000,
  /** ... or this time. */
  snapshotMs: 60_000,
  /** Windows that wait for the model worker; above it the oldest is dropped and counted. */
  windowsPending_MAX: 20_000,
  /** Windows in one call of a model. */
  inferenceBatch_MAX: 64,
  /** Time a model may take for one batch; then its worker is ended and started again. */
  inferenceTimeoutMs: 10_000,
  /** Time in which a model must be loaded; a busy machine takes long to start its threads, and ending one in the middle of it can end the process. */
  modelLoadTimeoutMs: 60_000,
  /** Restarts of the model worker on the same batch; then the batch is set aside and counted. */
  inferenceAttempts_MAX: 2,
  /** Models that a tenant may have in the registry; more are refused. */
  ownModels_MAX: 50,
  /** Models of users that run at the same time, each in a process of its own; one more is not put into force. */
  ownModelsRunning_MAX: 8,
  /** Memory that the process of a user's model may have; at the bound it crashes, and the model alone with it. */
  ownModelMemoryBytes_MAX: 1024 * 1024 * 1024,
  /** A user's model that failed `inferenceAttempts_MAX` times in a row is left alone for this long, each time for twice as long ... */
  modelPauseMs: 60_000,
  /** ... up to this. */
  modelPauseMs_MAX: 3_600_000,
  /** Windows that wait for one shadow model; above it the oldest is dropped and counted. */
  shadowPending_MAX: 5_000,

  // --- device time ---
  /** A reading waits this long in device time for those before it (two periods of a minute); one that comes later has its stretch worked out again. */
  eventLatenessMs: 120_000,
  /** Readings of one device that wait for that; above it the oldest quarter is taken as in order. */
  eventHeld_MAX: 256,
  /** Late readings of a device are taken into what is derived when no more came for this long on the journal ... */
  amendQuietMs: 5_000,
  /** ... or after this time. */
  amendWaitMs_MAX: 60_000,
  /** Longest pause between two amendments of a device that is late all the time; it doubles up to here. */
  amendPauseMs_MAX: 3_600_000,
  /** Device time between two checkpoints of a device's derived state; what is amended begins at one. */
  checkpointStepMs: 6 * 3_600_000,
  // --- own normal of a device ---
  /** Readings of a type that nobody described are averaged over this much device time before they are judged. */
  normalStepMs: 600_000,
  /** Steps that such a device's normal is learned from, where the type names no number of readings; 0 = it is not learned. */
  normalSteps: 1_008,
  /** Closed windows that the normal of a device of a described type is learned from; 0 = it is not learned. */
  normalWindows: 60,
  /** Channels up to which the normal of all together is learned (its cost grows with their cube); a type with more is not learned, and refused where it asks for it. */
  normalChannels_MAX: 64,
  /** Rows that all devices of the site together may keep to learn from, 8 bytes a value; devices that come when it is reached are not learned. */
  normalBytes_MAX: 536_870_912,
  /** Alerts that 1,000 units may cause in a week; thresholds follow from it. */
  normalAlertsPer1000UnitWeeks: 5,
  /** A device that was not heard for this long counts as silent in the metrics. */
  deviceSilentMs: 15 * 60_000,
  /** Cohorts are looked at again after this. */
  cohortLookMs: 3_600_000,
  /** Units whose repair is not judged yet are asked for their windows again after this. */
  verifyLookMs: 15 * 60_000,
  /** Units asked in one look, one after the other; the rest have their turn at the next. */
  verifyUnitsPerLook_MAX: 100,
  /** Windows of one unit handed over in one look, oldest first; the rest follow at its next turn. */
  verifyWindowsPerUnit_MAX: 200,
  /** Signed links of an emergency open nothing any more this long after it was over; before it is over they never expire. */
  emergencyLinkMs: 7 * 86_400_000,
  /** Units are asked for their use, for care, again after this. */
  careLookMs: 15 * 60_000,
  /** Units asked in one look, one after the other; the rest have their turn at the next. */
  careUnitsPerLook_MAX: 100,
  /** Windows of one unit that are read in one look, oldest first; the rest count at its next turn. */
  careWindowsPerUnit_MAX: 1_000,
  /** Units of one backtest. */
  backtestUnits_MAX: 20_000,
  /** Waited beyond that before a silent unit is told from an area that is out: the neighbours' periods end at other moments. */
  silenceDecideMs: 5 * 60_000,
  /** Gaps remembered of one boot of a device; above it those with the lowest numbers stand in the derived store only, and are filled there. */
  gapsPerBoot_MAX: 1_024,
  /** Rows and gaps that one step of maintenance takes out of the derived store; the pipeline waits for it. */
  derivedDropRows_MAX: 1_000,
  /** Length of the windows in which the reporting page counts ... */
  reportPageWindowMs: 10 * 60_000,
  /** ... requests of one address (a building may share one); a further one is refused ... */
  reportPageRequests_MAX: 300,
  /** ... reports and answers about one unit; a further one is refused ... */
  reportPageReports_MAX: 30,
  /** ... and addresses and units together; above it new ones are refused. */
  reportPageKeys_MAX: 20_000,
  /** Boots of a device in which gaps are still closed; above it the one that began first is forgotten. */
  gapBoots_MAX: 16,
  // --- API ---
  apiBodyBytes_MAX: 4 * 1024 * 1024,
  apiPage_MAX: 1_000,
  /** Buckets of one channel in one answer. */
  apiPoints_MAX: 10_000,
  /** Buckets of all channels in one answer; more channels get fewer and wider buckets. */
  apiBuckets_MAX: 50_000,
  /** Raw bytes in one page of the quarantine; the page ends with the entry that reaches it. */
  apiQuarantineBytes_MAX: 2 * 1024 * 1024,
  apiRequestTimeoutMs: 30_000,
  /** Devices in one creation; above it the request is refused. */
  apiDevicesPerRequest_MAX: 5_000,
  /** How long the answer to an Idempotency-Key is kept. */
  apiIdempotencyMs: 86_400_000,
  /** MQTT connections over WebSocket that are open at one time; a further upgrade is refused. */
  webSockets_MAX: 10_000,
  /** Time that open requests have when the API stops; then their sockets are closed. */
  apiDrainMs: 3_000,
  // --- imports and exports ---
  /** Bytes of one uploaded file; a larger one is refused. */
  importBytes_MAX: 4 * 1024 * 1024 * 1024,
  /** Bytes of one piece of an upload; a larger one is refused, so that each fits the time of a request. */
  importPieceBytes_MAX: 8 * 1024 * 1024,
  /** Bytes of one record of a CSV file; a longer one ends the import, for a quote was not closed. */
  importRecordBytes_MAX: 1024 * 1024,
  /** Rows between two positions that an import can go on from. */
  importChunkRows: 2_000,
  /** Readings in one message of an import. */
  importReadingsPerMessage: 200,
  /** Messages of an import that wait for the journal at one time; the next waits for one of them. */
  importInFlight_MAX: 2,
  /** Journal that the pipeline may have to read before an import waits, so that live readings are stored and judged meanwhile. */
  importLagBytes_MAX: 2 * 1024 * 1024,
  /** Entries in the report of one file; further ones are counted only. */
  importReport_MAX: 1_000_000,
  /** Keys of an import's own rows that are remembered, to find rows that contradict one another; about 60 bytes each. */
  importKeys_MAX: 1_000_000,
  /** Uploads of one tenant that are not whole yet; a further one is refused. */
  uploadsPerTenant_MAX: 20,
  /** Ended imports and exports are dropped, with report and file, after so long. */
  jobKeepMs: 7 * 86_400_000,
  /** Memory of the engine that reads and writes Parquet, in MiB; above it the engine works on disk. */
  filesMemoryMib: 256,

  ...twinLimits,

  // --- disk ---
  /** Room of the data folder's disk in MiB that ingest leaves to the stores; below it nothing is acknowledged until there is room. */
  diskReserveMib: 256,
  /** Time between two looks at it. */
  diskLookMs: 1_000,

  // --- jobs ---
  /** Jobs (backups, verifications, imports, erasures) that wait or run; a further one is refused. */
  jobsWaiting_MAX: 100,
  /** How long a backup is to be kept when its maker does not say. */
  backupKeepDays: 30,

  // --- outbox (Standard Webhooks; the schedule spans 75 hours) ---
  /** Deliveries in flight over all endpoints. */
  deliveriesInFlight_MAX: 16,
  deliveryTimeoutMs: 15_000,
  deliveryResponseBytes_MAX: 64 * 1024,
} as const

export type Limits = { readonly [Name in keyof typeof limits]: number }
