/** What a roll-back of a rule goes back to: the promotions that stand, read from everything that was ever put into force. */
import type { RuleTables } from './rule-tables.ts'

type Row = Pick<RuleTables['rule_activations'], 'is_roll_back' | 'canary_version' | 'live_version'>

/**
 * Versions that were promoted and not taken back, oldest first; null at the bottom is what the catalogue has. The end of a trial takes back no
 * promotion, and each roll-back takes back one more.
 */
export function promotionsOf(rows: readonly Row[]): Array<number | null> {
  const promoted: Array<number | null> = [null]
  let isTrial = false
  for (const { is_roll_back, canary_version, live_version } of rows) {
    if (is_roll_back === 1 && !isTrial) promoted.pop()
    else if (is_roll_back === 0 && canary_version === null && live_version !== promoted.at(-1)) promoted.push(live_version)
    isTrial = canary_version !== null
  }
  return promoted
}
