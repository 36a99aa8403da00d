/** Invariants of care: a task is called for by something that the type counts or measures, a tip by its sign alone, and what it names exists. */
import type { ApplianceType } from './appliance-type.ts'
import { CARE_COUNTS, type CareSign, type CareTask } from './care.ts'
import { checkText } from './check-condition.ts'

/** Gives what is wrong, one sentence each. */
export function checkCare(type: ApplianceType): string[] {
  const { care } = type
  if (care === undefined) return []
  const ids = care.tasks.map(({ id }) => id)
  const features = new Set((type.recipe?.features ?? []).map(({ name }) => name))
  return [
    ...ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `${id}: stands twice`),
    ...CARE_COUNTS.flatMap((count) =>
      (care.counts[count]?.features ?? []).filter((name) => !features.has(name)).map((name) => `${count}: counted by ${name}, which is no feature`),
    ),
    ...care.tasks.flatMap((task) => checkTask(type, task)),
  ]
}

function checkTask(type: ApplianceType, task: CareTask): string[] {
  const { id, kind, who, every, sign, doneWith = [], parts = [] } = task
  const wrong = [...checkText(task.name, id), ...checkText(task.text, `${id} text`), ...(sign === undefined ? [] : checkSign(type, id, sign))]
  if (!(task.minutes > 0)) wrong.push(`${id}: takes no time`)
  if (kind === 'tip' && (sign === undefined || every !== undefined || who !== 'household'))
    wrong.push(`${id}: a tip is the household's, has a sign and no interval`)
  if (kind === 'tip' && doneWith.length > 0) wrong.push(`${id}: a tip is done with no repair`)
  if (kind === 'maintenance' && Object.keys(every ?? {}).length === 0) wrong.push(`${id}: nothing makes it due`)
  for (const [count, value] of Object.entries(every ?? {})) {
    if (!(value > 0)) wrong.push(`${id}: due after ${value} ${count}`)
    if (count !== 'days' && !(count in (type.care?.counts ?? {}))) wrong.push(`${id}: due by ${count}, which the type does not count`)
  }
  for (const code of doneWith) if (!type.faults.some((fault) => fault.code === code)) wrong.push(`${id}: done with ${code}, which is no fault`)
  for (const { part } of parts) if (!type.parts.some((known) => known.part === part)) wrong.push(`${id}: uses ${part}, which is no part`)
  if (task.source === '') wrong.push(`${id}: no source`)
  return wrong
}

function checkSign(type: ApplianceType, id: string, { feature, as, windows }: CareSign): string[] {
  const known = type.recipe?.features.find(({ name }) => name === feature)
  if (known === undefined) return [`${id}: looks at ${feature}, which is no feature`]
  return [
    ...(as === 'z_score' && known.role !== 'response' ? [`${id}: ${feature} has no residual`] : []),
    ...(windows >= 1 ? [] : [`${id}: no window speaks`]),
  ]
}
