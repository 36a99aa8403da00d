/** Tables of a type's README, made from the catalogue; `type-tables.test.ts` holds the README equal to them. */
import { UNITS } from '#kernel/units.ts'
import type { ApplianceType } from './appliance-type.ts'

/** Markdown table of the faults. `accuracy` gives the text of the last column by fault code; `not measured yet` when absent. */
export function faultTable(type: ApplianceType, accuracy: ReadonlyMap<string, string> = new Map()): string {
  const arrow = { 1: 'up', [-1]: 'down', 0: 'as usual', either: 'moved' } as const
  const rows = type.faults.map((fault) => {
    const signs = fault.signs.map((sign) => `${sign.feature} ${arrow[sign.direction]}`).join(', ')
    const found = fault.foundBy.length === 0 ? 'silence, not readings' : fault.foundBy.join(', ')
    return `| ${fault.code} | ${fault.name.en} | ${fault.safetyClass} | ${found} | ${signs} | ${fault.sources.join(', ')} | ${accuracy.get(fault.code) ?? 'not measured yet'} |`
  })
  return ['| code | fault | class | found by | signs | sources | accuracy |', '|---|---|---|---|---|---|---|', ...rows].join('\n')
}

/** Markdown table of the channels. */
export function sensorTable(type: ApplianceType): string {
  const rows = type.channels.map((channel) => {
    const range = channel.kind === 'number' ? `${channel.min} to ${channel.max} ${UNITS[channel.unit].label}` : channel.kind
    return `| \`${channel.name}\` | ${range} | ${channel.kind === 'number' ? channel.step : ''} | ${channel.isSafety ? 'yes' : ''} | ${channel.description.en} |`
  })
  return ['| channel | range | step | safety | meaning |', '|---|---|---|---|---|', ...rows].join('\n')
}

/** Markdown table of the settings. */
export function settingTable(type: ApplianceType): string {
  const rows = (type.settings ?? []).map((setting) => {
    const takes =
      setting.kind === 'number'
        ? `${setting.min} to ${setting.max} ${UNITS[setting.unit].label}`
        : setting.kind === 'choice'
          ? setting.choices.join(', ')
          : 'true, false'
    return `| \`${setting.name}\` | ${takes} | ${setting.description.en} |`
  })
  return ['| setting | takes | meaning |', '|---|---|---|', ...rows].join('\n')
}

/** Puts a table between its markers; the text is unchanged when it has no such markers. */
export function fillTable(text: string, name: string, table: string): string {
  const from = `<!-- generated: ${name} -->`
  const start = text.indexOf(from)
  const end = text.indexOf('<!-- /generated -->', start)
  if (start < 0 || end < 0) return text
  return `${text.slice(0, start + from.length)}\n${table}\n${text.slice(end)}`
}
