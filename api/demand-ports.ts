/** What the API needs of demand signals: consent, what was told, the queue and what came of it. */
import type { DemandConsent, DemandKind, DemandResult, DemandSignal, NewDemandConsent, NewDemandSignal } from '#kernel/demand-signal.ts'

interface OfHousehold {
  readonly tenant: string
  readonly household: string
}

interface DemandKey extends OfHousehold {
  readonly kind: DemandKind
}

interface Told {
  readonly actor: string
}

export interface DemandPort {
  /** The consent of a household that holds now. */
  demandConsent(of: OfHousehold): Promise<DemandConsent | undefined>
  /** @throws MendlineError MDL_HUBS_CONSENT_REQUIRED */
  putDemandConsent(of: OfHousehold, given: NewDemandConsent & Told): Promise<DemandConsent>
  /** Whether there was one. */
  withdrawDemandConsent(of: OfHousehold): Promise<boolean>
  /** Those of a household that hold now; the reader stands in their log. */
  demandOf(of: OfHousehold, reader: string): Promise<readonly DemandSignal[]>
  /** @throws MendlineError MDL_HUBS_CONSENT_REQUIRED, MDL_API_INVALID */
  putDemandSignal(key: DemandKey, given: NewDemandSignal & Told): Promise<DemandSignal>
  /** Whether there was one. */
  deleteDemandSignal(key: DemandKey): Promise<boolean>
  /** Those that hold now, oldest first. @throws MendlineError MDL_API_INVALID for a cursor that is none */
  demandSignals(query: {
    readonly tenant: string
    readonly reader: string
    readonly kind?: string | undefined
    readonly state?: string | undefined
    readonly owner?: string | undefined
    readonly outlet?: string | undefined
    readonly after?: string | undefined
    readonly limit: number
  }): Promise<{ readonly items: readonly DemandSignal[]; readonly next: string | null }>
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT */
  answerDemand(of: { readonly tenant: string; readonly id: string }, answer: DemandResult & Told): Promise<DemandSignal>
}
