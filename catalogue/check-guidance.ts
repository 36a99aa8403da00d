/**
 * Invariants of what is done about a fault before anybody travels: remote steps, active tests, escalations and lives. A fault that begins
 * with guidance has some, a danger to life is never tested for, and whatever is named exists.
 */
import { SAFETY_CLASSES } from '#kernel/alarm.ts'
import type { ActiveTest, ApplianceType, Fault, RemoteStep } from './appliance-type.ts'
import { checkLeaf, checkText, leavesOf } from './check-condition.ts'
import type { SafeState } from './safe-state.ts'

/** Gives what is wrong, one sentence each. */
export function checkGuidance(type: ApplianceType): string[] {
  const ids = [...(type.remoteSteps ?? []), ...(type.activeTests ?? [])].map(({ id }) => id)
  return [
    ...ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `${id}: stands twice`),
    ...(type.remoteSteps ?? []).flatMap((step) => checkRemoteStep(type, step)),
    ...(type.activeTests ?? []).flatMap((test) => checkActiveTest(type, test)),
    ...(type.safeStates ?? []).flatMap((state) => checkSafeState(type, state)),
    ...(type.intake?.checks ?? [])
      .filter((id) => type.remoteSteps?.some((step) => step.id === id) !== true)
      .map((id) => `check ${id} does not exist`),
    ...checkDangers(type),
    ...type.faults.flatMap((fault) => [...checkOffers(type, fault), ...checkEscalations(type, fault), ...checkLife(fault)]),
  ]
}

function checkSafeState(type: ApplianceType, { of, actions, text }: SafeState): string[] {
  const place = `safe state of ${of.join(', ')}`
  const isKnown = (name: string): boolean => type.faults.some(({ code }) => code === name) || type.rules.some(({ id }) => id === name)
  return [
    ...checkText(text, place),
    ...of.filter((name) => !isKnown(name)).map((name) => `${place}: ${name} is neither fault nor rule`),
    ...(of.length > 0 && actions.length > 0 ? [] : [`${place}: does nothing`]),
    ...actions.filter((action) => !/^[a-z][a-z0-9_]*$/.test(action)).map((action) => `${place}: the action ${action} is not snake_case`),
  ]
}

/** A type names a safe state for each rule of a danger to life or property. */
function checkDangers({ rules, safeStates = [] }: ApplianceType): string[] {
  return rules
    .filter(
      ({ safetyClass, id, fault }) => ['E0', 'E1'].includes(safetyClass) && !safeStates.some(({ of }) => of.includes(id) || of.includes(fault ?? id)),
    )
    .map(({ id }) => `${id}: no safe state is named for it`)
}

function checkRemoteStep(type: ApplianceType, { id, action, otherwise, minutes, remeasure }: RemoteStep): string[] {
  const wrong = [...checkText(action, id), ...checkText(otherwise, `${id} otherwise`)]
  if (!(minutes > 0 && remeasure.afterMinutes > 0)) wrong.push(`${id}: takes no time`)
  if ('feature' in remeasure && type.recipe?.features.some(({ name }) => name === remeasure.feature) !== true)
    wrong.push(`${id}: measures ${remeasure.feature} again, which is no feature`)
  const isCheck = type.intake?.checks?.includes(id) === true
  if (!isCheck && !type.faults.some(({ remoteSteps }) => remoteSteps?.includes(id) === true)) wrong.push(`${id}: no fault offers it`)
  if (isCheck && !('isSaid' in remeasure)) wrong.push(`${id}: is a check of no fault, which only the household can judge`)
  return wrong
}

function checkActiveTest(type: ApplianceType, test: ActiveTest): string[] {
  const { id, name, command, guards, minutes, safeState, reads, answers } = test
  const wrong = [...checkText(name, id), ...checkText(safeState, `${id} safe state`)]
  if (!/^[a-z][a-z0-9_]*$/.test(command.name)) wrong.push(`${id}: the command ${command.name} is not snake_case`)
  if (!(minutes > 0)) wrong.push(`${id}: takes no time`)
  const leaves = guards.flatMap(leavesOf)
  wrong.push(...leaves.flatMap((leaf) => checkLeaf(type, id, leaf)))
  const isGuarded = leaves.some(({ channel }) => type.channels.some(({ name: other, isSafety }) => other === channel && isSafety))
  if (!isGuarded) wrong.push(`${id}: no safety channel guards it`)
  const channel = type.channels.find(({ name: other, kind }) => other === reads.channel && kind !== 'text')
  if (channel?.unit !== reads.unit) wrong.push(`${id}: reads ${reads.channel} in ${reads.unit}, which it is not`)
  if (answers.length < 2) wrong.push(`${id}: a test with one answer tells nothing`)
  const codes = new Set(type.faults.map(({ code }) => code))
  for (const answer of answers) {
    wrong.push(...checkText(answer.text, `${id} answer`))
    for (const code of [...answer.speaksFor, ...answer.speaksAgainst]) if (!codes.has(code)) wrong.push(`${id}: speaks of ${code}, which is no fault`)
    for (const code of answer.speaksFor) if (answer.speaksAgainst.includes(code)) wrong.push(`${id}: speaks for and against ${code}`)
  }
  const spoken = new Set(answers.flatMap(({ speaksFor, speaksAgainst }) => [...speaksFor, ...speaksAgainst]))
  for (const { code, activeTests } of type.faults)
    if (activeTests?.includes(id) === true && !spoken.has(code)) wrong.push(`${id}: is run for ${code} and says nothing of it`)
  return wrong
}

function checkOffers(type: ApplianceType, fault: Fault): string[] {
  const { code, skills, safetyClass, remoteSteps = [], activeTests = [] } = fault
  const wrong = [
    ...remoteSteps.filter((id) => type.remoteSteps?.some((step) => step.id === id) !== true).map((id) => `${code}: remote step ${id} does not exist`),
    ...activeTests.filter((id) => type.activeTests?.some((test) => test.id === id) !== true).map((id) => `${code}: active test ${id} does not exist`),
  ]
  if (skills.includes('REM') && remoteSteps.length === 0) wrong.push(`${code}: begins with guidance and has no remote step`)
  if (!skills.includes('REM') && remoteSteps.length > 0) wrong.push(`${code}: has a remote step and not the skill REM`)
  if (safetyClass === 'E0' && activeTests.length + remoteSteps.length > 0)
    wrong.push(`${code}: a danger to life is neither tested for nor guided from afar`)
  return wrong
}

function checkEscalations(type: ApplianceType, { code, safetyClass, escalations = [] }: Fault): string[] {
  return escalations.flatMap(({ to, when, by }) => {
    const wrong = checkText(when, `${code} escalation`)
    if (SAFETY_CLASSES.indexOf(to) >= SAFETY_CLASSES.indexOf(safetyClass)) wrong.push(`${code}: ${to} is no escalation of ${safetyClass}`)
    const rule = typeof by === 'object' && 'rule' in by ? type.rules.find(({ id }) => id === by.rule) : undefined
    if (typeof by === 'object' && 'rule' in by && (rule?.fault !== code || rule.safetyClass !== to))
      wrong.push(`${code}: ${by.rule} is no rule of it with class ${to}`)
    return wrong
  })
}

function checkLife({ code, life }: Fault): string[] {
  return (life?.covariates ?? []).flatMap(({ covariate, hazardRatio, per, source }) =>
    hazardRatio > 0 && per > 0 && source !== '' ? [] : [`${code}: ${covariate} is no covariate of a life`],
  )
}
