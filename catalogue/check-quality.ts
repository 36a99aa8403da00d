/** Checks the quality sections of a type: channels that exist, bounds that can be met, faults of sensors that the catalogue knows as such. */
import type { ApplianceType, Channel } from './appliance-type.ts'

/** Faults as sentences that name channel or identity; empty when all is well. */
export function checkQuality(type: Pick<ApplianceType, 'channels' | 'identities' | 'sensorFaults' | 'faults' | 'rules'>): string[] {
  const known = new Set(type.channels.filter(({ kind }) => kind !== 'text').map(({ name }) => name))
  const wrong = type.channels.flatMap((channel) => checkChannelQuality(channel, known))
  for (const { id, relation, when, spread } of type.identities ?? []) {
    const channels = 'equal' in relation ? relation.equal.map(({ channel }) => channel) : [relation.result, ...relation.factors, ...relation.suspects]
    for (const channel of [...channels, when.channel]) if (!known.has(channel)) wrong.push(`identity ${id}: ${channel} is no channel with numbers`)
    if ('equal' in relation && relation.equal.length < 3) wrong.push(`identity ${id}: of fewer than three channels nobody knows which departs`)
    const tolerances = 'equal' in relation ? relation.equal.map(({ tolerance }) => tolerance) : [relation.tolerance]
    if (!(spread > 0 && tolerances.every((tolerance) => tolerance > 0))) wrong.push(`identity ${id}: spread and tolerances must be above zero`)
    if (!(when.settleMs >= 0)) wrong.push(`identity ${id}: settleMs must be zero or more`)
  }
  const faults: ReadonlyArray<readonly [of: string, fault: string | null | undefined]> = [
    ...Object.entries(type.sensorFaults ?? {}),
    ...(type.identities ?? []).map(({ id, fault }) => [`identity ${id}`, fault] as const),
    ...type.rules.filter(({ judgesSensor }) => judgesSensor === true).map(({ id, fault }) => [`rule ${id}`, fault] as const),
  ]
  for (const [of, code] of faults) {
    if (code === undefined || code === null) continue
    const fault = type.faults.find((known) => known.code === code)
    if (fault === undefined) wrong.push(`sensor fault of ${of}: ${code} is not in the catalogue`)
    else if (fault.isOfSensor !== true) wrong.push(`sensor fault of ${of}: ${code} is not marked as a fault of a sensor`)
  }
  return wrong
}

function checkChannelQuality({ name, kind, quality }: Channel, known: ReadonlySet<string>): string[] {
  if (quality === undefined) return []
  if (kind === 'text') return [`${name}: a text has no quality section`]
  const wrong: string[] = []
  const { stuck, ratePerMin_MAX, change_MAX, spike_MAX } = quality
  for (const [field, value] of Object.entries({ ratePerMin_MAX, change_MAX, spike_MAX })) {
    if (value !== undefined && !(value > 0)) wrong.push(`${name}: ${field} must be above zero`)
  }
  if (stuck === undefined) return wrong
  if (!(stuck.afterMs > 0)) wrong.push(`${name}: stuck needs a time above zero`)
  if (stuck.tolerance !== undefined && !(stuck.tolerance >= 0)) wrong.push(`${name}: the tolerance of stuck must be zero or more`)
  for (const { channel, moves } of stuck.drivers) {
    if (!known.has(channel) || channel === name) wrong.push(`${name}: ${channel} cannot drive it`)
    if (!(moves > 0)) wrong.push(`${name}: the driver ${channel} must move by more than zero`)
  }
  return wrong
}
