/** Holds desired settings to what the appliance type declares: names, kinds, ranges. A type that declares none takes any. */
import type { Setting } from '#catalogue/appliance-type.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { JsonObject } from '#kernel/twin-message.ts'

/** @throws MendlineError MDL_API_INVALID that names each setting at fault */
export function checkSettings(settings: JsonObject, declared: readonly Setting[] | undefined): void {
  if (declared === undefined || declared.length === 0) return
  const errors = Object.entries(settings).flatMap(([name, value]) => {
    const setting = declared.find((candidate) => candidate.name === name)
    const reason =
      setting === undefined ? `the type has no such setting; it has ${declared.map((own) => own.name).join(', ')}` : faultOf(setting, value)
    return reason === undefined ? [] : [{ field: `body.desired.${name}`, reason }]
  })
  if (errors.length === 0) return
  throw new MendlineError('MDL_API_INVALID', errors.map(({ field, reason }) => `${field}: ${reason}`).join('; '), { details: { errors } })
}

function faultOf(setting: Setting, value: unknown): string | undefined {
  switch (setting.kind) {
    case 'number':
      if (typeof value !== 'number') return 'must be a number'
      return value >= setting.min && value <= setting.max ? undefined : `must be from ${setting.min} to ${setting.max}`
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'must be true or false'
    case 'choice':
      return typeof value === 'string' && setting.choices.includes(value) ? undefined : `must be one of ${setting.choices.join(', ')}`
  }
}
