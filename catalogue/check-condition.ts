/** Checks of texts and conditions that several checks of the catalogue share. */
import type { Unit } from '#kernel/units.ts'
import type { ApplianceType, Condition, Text } from './appliance-type.ts'

/** Languages in which a text is missing, as sentences. */
export function checkText(text: Text, place: string): string[] {
  const missing = (['en', 'zh-CN'] as const).filter((language) => text[language].trim() === '')
  return missing.map((language) => `${place}: no text in ${language}`)
}

/** A comparison. */
export type Leaf = Extract<Condition, { channel: string }>

/** The comparisons of a condition. */
export function leavesOf(condition: Condition): Leaf[] {
  if ('all' in condition) return condition.all.flatMap(leavesOf)
  if ('any' in condition) return condition.any.flatMap(leavesOf)
  if ('not' in condition) return leavesOf(condition.not)
  if ('held' in condition) return leavesOf(condition.held)
  return [condition]
}

/** Channels that do not exist and units that do not fit, as sentences. */
export function checkLeaf(type: ApplianceType, place: string, leaf: Leaf): string[] {
  const unitOf = (name: string): Unit | undefined => type.channels.find((channel) => channel.name === name && channel.kind !== 'text')?.unit
  const unit = unitOf(leaf.channel)
  if (unit === undefined) return [`${place}: ${leaf.channel} is no channel with numbers`]
  const subtracted = leaf.minus === undefined ? unit : unitOf(leaf.minus)
  if (subtracted !== unit) return [`${place}: ${leaf.channel} and ${leaf.minus} differ in unit`]
  const difference: Unit = leaf.minus !== undefined && unit === 'c' ? 'k' : unit
  const isTemperature = difference === 'c' || difference === 'k'
  if (leaf.rateOverMs !== undefined && !isTemperature) return [`${place}: there is no unit for the rate of ${leaf.channel}`]
  if (leaf.exposureOverMs !== undefined && difference !== 'ppm') return [`${place}: there is no unit for the exposure to ${leaf.channel}`]
  const expected: Unit = leaf.rateOverMs !== undefined ? 'k_per_min' : leaf.exposureOverMs !== undefined ? 'ppm_min' : difference
  return leaf.unit === expected ? [] : [`${place}: ${leaf.channel} is compared in ${leaf.unit}, not ${expected}`]
}
