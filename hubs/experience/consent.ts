/** Consent of households, checked alike for everything that is kept of them by it: it was given, still holds, and holds for two years at most. */
import { MendlineError } from '#kernel/errors.ts'

/** Longest time that one consent holds. */
const CONSENT_MS_MAX = 2 * 365 * 86_400_000

export interface Consent {
  readonly consent_at_ms: number
  readonly expires_at_ms: number
}

/**
 * The consent that was given; `within` is the field of the body that it stands in.
 * @throws MendlineError MDL_HUBS_CONSENT_REQUIRED that names the field, without a consent that was given and still holds
 */
export function checkConsent(given: { readonly [Name in keyof Consent]?: number | undefined }, nowMs: number, within?: string): Consent {
  const { consent_at_ms, expires_at_ms } = given
  const refused = (field: keyof Consent, reason: string) => consentRefused(within === undefined ? field : `${within}.${field}`, reason)
  if (consent_at_ms === undefined) throw refused('consent_at_ms', 'it needs the consent of the household: say when it was given')
  if (consent_at_ms > nowMs) throw refused('consent_at_ms', 'a consent that is still to be given is none')
  if (expires_at_ms === undefined || expires_at_ms <= nowMs) throw refused('expires_at_ms', 'a consent holds until an instant that is still to come')
  if (expires_at_ms - consent_at_ms > CONSENT_MS_MAX) throw refused('expires_at_ms', 'a consent holds for two years at most; ask again')
  return { consent_at_ms, expires_at_ms }
}

/** Refusal of what is not consented to, by its field of the body. */
export const consentRefused = (field: string, reason: string): MendlineError =>
  new MendlineError('MDL_HUBS_CONSENT_REQUIRED', `${field}: ${reason}`, { details: { errors: [{ field: `body.${field}`, reason }] } })
