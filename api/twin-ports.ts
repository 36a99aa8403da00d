/** What the API needs of the twin: commands, settings and presence of devices. */
import type { Command } from '#kernel/command.ts'

interface Page<Item> {
  readonly items: readonly Item[]
  readonly next: string | null
}

/** Commands, settings and presence of devices. */
export interface TwinPort {
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_INVALID, MDL_TWIN_TOO_MANY */
  giveCommand(command: {
    readonly tenant: string
    readonly device: string
    readonly name: string
    readonly payload?: Readonly<Record<string, unknown>> | undefined
    readonly expires_at_ms?: number | undefined
    readonly actor: string
  }): Promise<Command>
  command(tenant: string, id: string): Promise<Command | undefined>
  commands(query: {
    readonly tenant: string
    readonly device: string
    readonly state?: string
    readonly after?: string
    readonly limit: number
  }): Promise<Page<Command>>
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_TWIN_COMMAND_ENDED */
  cancelCommand(given: { readonly tenant: string; readonly commandId: string; readonly actor: string }): Promise<Command>
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_INVALID, MDL_API_CONFLICT */
  orderSettings(order: {
    readonly tenant: string
    readonly device: string
    readonly desired: Readonly<Record<string, unknown>>
    readonly expiresAtMs: number | null | undefined
    readonly isPatch: boolean
    readonly expectedVersion: number | undefined
    readonly actor: string
  }): Promise<DesiredSettings>
  desired(tenant: string, device: string): Promise<DesiredSettings | undefined>
  twin(tenant: string, device: string): Promise<object>
  history(query: {
    readonly tenant: string
    readonly device: string
    readonly kind: 'desired' | 'reported'
    readonly after?: string
    readonly limit: number
  }): Promise<Page<object>>
}

interface DesiredSettings {
  readonly version: number
  readonly desired: Readonly<Record<string, unknown>>
  readonly expires_at_ms: number | null
  readonly is_expired: boolean
  readonly set_at_ms: number
  readonly set_by: string
}
