/** What the guard's worker is asked for, and the names of the calls between it and the main thread. */
export type GuardTask =
  | { readonly kind: 'backup'; readonly dataDir: string; readonly target: string; readonly program: string; readonly keepMs: number }
  | { readonly kind: 'verify'; readonly dataDir: string }

export const GUARD_CALLS = {
  run: 'run',
  note: 'note',
  journalEnd: 'journal-end',
  capture: 'capture',
  verifyReadings: 'verify-readings',
} as const
