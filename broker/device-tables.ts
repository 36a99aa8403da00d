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

export interface DeviceTables {
  devices: DeviceRow
  gateways: GatewayRow
  gateway_devices: GatewayDeviceRow
  principal_keys: PrincipalKeyRow
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
  { id: '0210-device-time-zone', statements: ['ALTER TABLE devices ADD COLUMN time_zone TEXT'] },
]
