/** What the routes of claiming need; bound to one tenant in each call. */

interface Page<Item> {
  readonly items: readonly Item[]
  readonly next: string | null
}

interface Consent {
  readonly who: string
  readonly text_version: string
  readonly purposes: readonly string[]
}

interface Claim {
  readonly claim_id: string
  readonly tenant: string
  readonly device: string
  readonly household: string
  readonly consent: Consent & { readonly given_at_ms: number }
  readonly released_at_ms: number | null
  readonly release_reason: string | null
}

export interface ProvisioningPort {
  /** @throws MendlineError MDL_API_INVALID, MDL_API_CONFLICT */
  createTokens(
    tenant: string,
    wanted: ReadonlyArray<{ readonly device: string; readonly type?: string; readonly model?: string; readonly serial?: string }>,
    options: { readonly validMs: number; readonly actor: string },
  ): Promise<ReadonlyArray<{ readonly device: string; readonly token: string; readonly expires_at_ms: number }>>
  /** @throws MendlineError MDL_CLAIM_REFUSED, MDL_CLAIM_LOCKED */
  provision(
    request: { readonly tenant: string; readonly device: string; readonly token: string; readonly nonce: string },
    address: string,
  ): Promise<string>
}

export interface ClaimPort {
  /** @throws MendlineError MDL_API_NOT_FOUND */
  newCode(tenant: string, device: string, actor: string): Promise<string>
  /** @throws MendlineError MDL_CLAIM_REFUSED, MDL_CLAIM_LOCKED, MDL_API_CONFLICT */
  claim(tenant: string, request: { readonly code: string; readonly household: string; readonly consent: Consent }, actor: string): Promise<Claim>
  /** @throws MendlineError MDL_API_NOT_FOUND */
  release(tenant: string, claimId: string, options: { readonly reason: string; readonly actor: string }): Promise<Claim>
  get(tenant: string, claimId: string): Promise<Claim | undefined>
  list(query: {
    readonly tenant: string
    readonly device?: string
    readonly household?: string
    readonly after?: string
    readonly limit: number
  }): Promise<Page<Claim>>
  audit(query: { readonly tenant: string; readonly subject?: string; readonly after?: string; readonly limit: number }): Promise<Page<object>>
}

/** What may be said anew of a device; null takes it away. */
export interface DeviceAttributes {
  readonly model?: string | null
  readonly serial?: string | null
  readonly site?: string | null
  readonly household?: string | null
  readonly building?: string | null
  readonly outage_area?: string | null
  readonly batch?: string | null
  readonly installed_at_ms?: number | null
}
