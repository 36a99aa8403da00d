/** Tables of the registries in the operational store: one row a device or gateway and one a pair of both, secrets as hashes only. */
import type { Migration } from '#kernel/migration.ts'

export interface DeviceRow {
  tenant: string
  device: string
  type: string
  model: string | null
  serial: string | null
  firmware: string | null
  installed_at_ms: number | null
  site: string | null
  household: string | null
  /** House, outage area (what shares supply or network) and production batch, by which alarms of one cause are grouped. */
  building: string | null
  outage_area: string | null
  batch: string | null
  max_age_days: number
  /** IANA name; null = the default of the configuration. */
  time_zone: string | null
  created_at_ms: number
  revoked_at_ms: number | null
  /** SHA-256 of the valid secret, hex. */
  secret_hash: string
  /** SHA-256 of the secret before the last rotation, hex; valid until `previous_secret_until_ms`. */
  previous_secret_hash: string | null
  previous_secret_until_ms: number | null
}

/** What may be said anew of a device; null takes a value away, what is absent stays. */
export type DeviceAttributes = Partial<
  Pick<DeviceRow, 'model' | 'serial' | 'site' | 'household' | 'building' | 'outage_area' | 'batch' | 'installed_at_ms'>
>

export interface GatewayRow {
  tenant: string
  gateway: string
  created_at_ms: number
  revoked_at_ms: number | null
  secret_hash: string
  previous_secret_hash: string | null
  previous_secret_until_ms: number | null
}

/** A device that a gateway speaks for. */
export interface GatewayDeviceRow {
  tenant: string
  gateway: string
  device: string
}

/** A public key that signs the tokens of a principal. */
export interface PrincipalKeyRow {
  tenant: string
  principal: string
  /** Thumbprint (RFC 7638). */
  key_id: string
  alg: string
  public_jwk: string
  created_at_ms: number
}

export interface ClaimTokenRow {
  /** SHA-256, hex. */
  token_hash: string
  tenant: string
  device: string
  created_at_ms: number
  expires_at_ms: number
  used_at_ms: number | null
  /** SHA-256 of what marks who used it (nonce or secret), hex. */
  proof_hash: string | null
  /** Key from which the secret is derived, hex. */
  salt: string
}

export interface ClaimCodeRow {
  tenant: string
  code_hash: string
  device: string
}

export interface ClaimRow {
  claim_id: string
  tenant: string
  device: string
  household: string
  who: string
  text_version: string
  /** JSON list. */
  purposes: string
  given_at_ms: number
  claimed_by: string
  released_at_ms: number | null
  released_by: string | null
  release_reason: string | null
}

/** Stretch [from_ms, to_ms) in which a device was of a household; the one that lasts has no end. */
export interface DeviceHouseholdRow {
  tenant: string
  device: string
  household: string
  from_ms: number
  to_ms: number | null
}

export interface IdentityAuditRow {
  id: string
  tenant: string
  at_ms: number
  actor: string
  action: string
  subject: string
  /** JSON object. */
  details: string
}

export interface DeviceTables {
  devices: DeviceRow
  gateways: GatewayRow
  gateway_devices: GatewayDeviceRow
  principal_keys: PrincipalKeyRow
  claim_tokens: ClaimTokenRow
  claim_codes: ClaimCodeRow
  claims: ClaimRow
  device_households: DeviceHouseholdRow
  identity_audit: IdentityAuditRow
}

export const deviceMigrations: readonly Migration[] = [
  {
    id: '0001-devices',
    statements: [
      `CREATE TABLE devices (
        tenant TEXT NOT NULL,
        device TEXT NOT NULL,
        type TEXT NOT NULL,
        model TEXT,
        serial TEXT,
        firmware TEXT,
        installed_at_ms BIGINT,
        site TEXT,
        household TEXT,
        max_age_days INTEGER NOT NULL,
        created_at_ms BIGINT NOT NULL,
        revoked_at_ms BIGINT,
        secret_hash TEXT NOT NULL,
        previous_secret_hash TEXT,
        previous_secret_until_ms BIGINT,
        PRIMARY KEY (tenant, device)
      )`,
    ],
  },
  {
    id: '0200-gateways',
    statements: [
      `CREATE TABLE gateways (
        tenant TEXT NOT NULL,
        gateway TEXT NOT NULL,
        created_at_ms BIGINT NOT NULL,
        revoked_at_ms BIGINT,
        secret_hash TEXT NOT NULL,
        previous_secret_hash TEXT,
        previous_secret_until_ms BIGINT,
        PRIMARY KEY (tenant, gateway)
      )`,
      `CREATE TABLE gateway_devices (
        tenant TEXT NOT NULL,
        gateway TEXT NOT NULL,
        device TEXT NOT NULL,
        PRIMARY KEY (tenant, gateway, device)
      )`,
    ],
  },
  {
    id: '0201-principal-keys',
    statements: [
      `CREATE TABLE principal_keys (
        tenant TEXT NOT NULL,
        principal TEXT NOT NULL,
        key_id TEXT NOT NULL,
        alg TEXT NOT NULL,
        public_jwk TEXT NOT NULL,
        created_at_ms BIGINT NOT NULL,
        PRIMARY KEY (tenant, principal, key_id)
      )`,
    ],
  },
  {
    id: '0202-claims',
    statements: [
      `CREATE TABLE claim_tokens (
        token_hash TEXT PRIMARY KEY,
        tenant TEXT NOT NULL,
        device TEXT NOT NULL,
        created_at_ms BIGINT NOT NULL,
        expires_at_ms BIGINT NOT NULL,
        used_at_ms BIGINT,
        proof_hash TEXT,
        salt TEXT NOT NULL
      )`,
      `CREATE TABLE claim_codes (
        tenant TEXT NOT NULL,
        code_hash TEXT NOT NULL,
        device TEXT NOT NULL,
        PRIMARY KEY (tenant, code_hash)
      )`,
      `CREATE TABLE claims (
        claim_id TEXT PRIMARY KEY,
        tenant TEXT NOT NULL,
        device TEXT NOT NULL,
        household TEXT NOT NULL,
        who TEXT NOT NULL,
        text_version TEXT NOT NULL,
        purposes TEXT NOT NULL,
        given_at_ms BIGINT NOT NULL,
        claimed_by TEXT NOT NULL,
        released_at_ms BIGINT,
        released_by TEXT,
        release_reason TEXT
      )`,
      'CREATE UNIQUE INDEX claims_one_a_device ON claims (tenant, device) WHERE released_at_ms IS NULL',
      `CREATE TABLE identity_audit (
        id TEXT PRIMARY KEY,
        tenant TEXT NOT NULL,
        at_ms BIGINT NOT NULL,
        actor TEXT NOT NULL,
        action TEXT NOT NULL,
        subject TEXT NOT NULL,
        details TEXT NOT NULL
      )`,
      'CREATE INDEX identity_audit_by_subject ON identity_audit (tenant, subject, id)',
    ],
  },
  { id: '0210-device-time-zone', statements: ['ALTER TABLE devices ADD COLUMN time_zone TEXT'] },
  {
    id: '0340-device-groups',
    statements: ['building', 'outage_area', 'batch'].map((column) => `ALTER TABLE devices ADD COLUMN ${column} TEXT`),
  },
  {
    // What was PATCHed before has left only its time in the audit; what is known begins there.
    id: '0380-device-households',
    statements: [
      `CREATE TABLE device_households (
        tenant TEXT NOT NULL,
        device TEXT NOT NULL,
        household TEXT NOT NULL,
        from_ms BIGINT NOT NULL,
        to_ms BIGINT
      )`,
      'CREATE INDEX device_households_by_device ON device_households (tenant, device, from_ms)',
      // A row of no tenant says until when moves left no values.
      "INSERT INTO device_households SELECT '', '', '', coalesce(max(at_ms), 0), coalesce(max(at_ms), 0) FROM identity_audit",
      `INSERT INTO device_households SELECT tenant, device, household, given_at_ms, released_at_ms FROM claims WHERE released_at_ms IS NOT NULL`,
      `INSERT INTO device_households SELECT tenant, device, household, coalesce((SELECT max(at_ms) FROM identity_audit AS a
        WHERE a.tenant = d.tenant AND a.subject = d.device AND (a.action IN ('device.claimed', 'device.released')
        OR (a.action = 'device.attributes' AND a.details LIKE '%"household"%'))), created_at_ms), NULL
        FROM devices AS d WHERE household IS NOT NULL`,
    ],
  },
]
