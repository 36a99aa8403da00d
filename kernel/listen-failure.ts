/** Why a port cannot be listened on, in the words of the settings: which one names it, and what to do. Other faults stay what they are. */
import { MendlineError } from './errors.ts'

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken by another program',
  EACCES: 'may not be opened by this user',
  EADDRNOTAVAIL: 'is on an address that this machine does not have',
}

export function listenFailure(cause: unknown, { setting, host, port }: { setting: string; host: string; port: number }): unknown {
  const reason = REASONS[(cause as NodeJS.ErrnoException | null)?.code ?? '']
  if (reason === undefined) return cause
  return new MendlineError('MDL_CONFIG_PORT', `${setting}: port ${port} on ${host} ${reason}; end that or set ${setting} to another`, { cause })
}
