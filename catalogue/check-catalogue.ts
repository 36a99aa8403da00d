/**
 * Invariants of the catalogue: what a type promises is there. `checkType` gives one sentence for each broken promise, with its place, and
 * an empty list for a sound type. It looks at data only; whether a plant shows the signs is the business of the physics tests.
 */
import { isId } from '#kernel/ids.ts'
import { UNITS, unitOfName } from '#kernel/units.ts'
import { type ApplianceType, type Channel, derivationChannels, type Fault, type Rule, type Setting } from './appliance-type.ts'
import { checkCare } from './check-care.ts'
import { checkLeaf, checkText, leavesOf } from './check-condition.ts'
import { checkGuidance } from './check-guidance.ts'
import { checkIntake } from './check-intake.ts'
import { checkQuality } from './check-quality.ts'
import { toolWords } from './tools.ts'

/** Gives what is wrong with a type, one sentence each. */
export function checkType(type: ApplianceType): string[] {
  return [
    ...(/^[a-z][a-z0-9_]*$/.test(type.id) && isId(type.id) ? [] : [`type ${type.id}: the id is not snake_case`]),
    ...checkText(type.name, `type ${type.id}`),
    ...checkUnique(type),
    ...type.channels.flatMap(checkChannel),
    ...(type.settings ?? []).flatMap(checkSetting),
    ...type.parts.flatMap((part) => checkText(part.name, part.part)),
    ...type.steps.flatMap((step) => [
      ...checkText(step.text, step.id),
      ...checkText(step.proof, `${step.id} proof`),
      ...(step.minutes > 0 ? [] : [`${step.id}: takes no time`]),
      ...step.tools.flatMap((tool) => (toolWords(type, tool) === undefined ? [`${step.id}: the tool ${tool} has no words in both languages`] : [])),
    ]),
    ...type.faults.flatMap((fault) => checkFault(type, fault)),
    ...type.rules.flatMap((rule) => checkRule(type, rule)),
    ...checkRecipe(type),
    ...checkQuality(type),
    ...checkGuidance(type),
    ...checkIntake(type),
    ...checkCare(type),
  ]
}

function checkUnique(type: ApplianceType): string[] {
  const twice = (kind: string, ids: readonly string[]): string[] =>
    ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `${kind} ${id}: stands twice`)
  return [
    ...twice(
      'channel',
      type.channels.map((channel) => channel.name),
    ),
    ...twice(
      'setting',
      (type.settings ?? []).map((setting) => setting.name),
    ),
    ...twice(
      'part',
      type.parts.map((part) => part.part),
    ),
    ...twice(
      'step',
      type.steps.map((step) => step.id),
    ),
    ...twice(
      'fault',
      type.faults.map((fault) => fault.code),
    ),
    ...twice(
      'rule',
      type.rules.map((rule) => rule.id),
    ),
    ...twice(
      'feature',
      (type.recipe?.features ?? []).map((feature) => feature.name),
    ),
  ]
}

function checkChannel(channel: Channel): string[] {
  const faults = checkText(channel.description, channel.name)
  if (!(channel.unit in UNITS)) faults.push(`${channel.name}: the unit ${channel.unit} is not in the list`)
  if (unitOfName(channel.name) !== channel.unit)
    faults.push(`${channel.name}: the name ends in ${unitOfName(channel.name)}, the unit is ${channel.unit}`)
  if (channel.kind === 'number' && !(channel.min < channel.max)) faults.push(`${channel.name}: the range is empty`)
  if (channel.kind === 'number' && !(channel.step > 0 && channel.step <= channel.max - channel.min))
    faults.push(`${channel.name}: the step does not fit`)
  if (channel.kind !== 'number' && channel.isAggregated) faults.push(`${channel.name}: only numbers are aggregated`)
  return faults
}

function checkSetting(setting: Setting): string[] {
  const faults = checkText(setting.description, setting.name)
  if (!/^[a-z][a-z0-9_]*$/.test(setting.name)) faults.push(`${setting.name}: the name is not snake_case`)
  if (unitOfName(setting.name) !== setting.unit)
    faults.push(`${setting.name}: the name ends in ${unitOfName(setting.name)}, the unit is ${setting.unit}`)
  if (setting.kind === 'number' && !(setting.min < setting.max)) faults.push(`${setting.name}: the range is empty`)
  if (setting.kind === 'choice' && (setting.choices.length < 2 || new Set(setting.choices).size < setting.choices.length))
    faults.push(`${setting.name}: there is nothing to choose`)
  return faults
}

function checkFault(type: ApplianceType, fault: Fault): string[] {
  const place = fault.code
  const features = new Set((type.recipe?.features ?? []).map((feature) => feature.name))
  const parts = new Set(type.parts.map((part) => part.part))
  const steps = new Set(type.steps.map((step) => step.id))
  const codes = new Set(type.faults.map((other) => other.code))
  const wrong = [...checkText(fault.name, place), ...checkText(fault.customerSees, `${place} customer`)]
  for (const sign of fault.signs) {
    wrong.push(...checkText(sign.text, `${place} ${sign.feature}`))
    if (!features.has(sign.feature)) wrong.push(`${place}: a sign on ${sign.feature}, which is no feature`)
  }
  for (const need of fault.parts) {
    if (!parts.has(need.part)) wrong.push(`${place}: needs ${need.part}, which is no part`)
    if (!(need.probability > 0 && need.probability <= 1 && need.quantity >= 1)) wrong.push(`${place}: the need of ${need.part} is no probability`)
  }
  for (const step of fault.steps) if (!steps.has(step)) wrong.push(`${place}: step ${step} does not exist`)
  for (const question of fault.questions) {
    wrong.push(...checkText(question.text, `${place} question`))
    for (const rival of question.rivals) if (!codes.has(rival) || rival === fault.code) wrong.push(`${place}: ${rival} is no rival`)
  }
  if (fault.foundBy.includes('model') && !fault.signs.some((sign) => sign.direction !== 0)) wrong.push(`${place}: found by the model without a sign`)
  if (fault.foundBy.includes('rule') && !type.rules.some((rule) => rule.fault === fault.code))
    wrong.push(`${place}: found by a rule that is not there`)
  if (fault.steps.length === 0) wrong.push(`${place}: no repair step`)
  if (fault.parts.length === 0) wrong.push(`${place}: no part`)
  if (fault.skills.length === 0) wrong.push(`${place}: no skill`)
  if (fault.questions.length === 0) wrong.push(`${place}: no question`)
  if (fault.sources.length === 0) wrong.push(`${place}: no source`)
  if (fault.life !== undefined && !(fault.life.shape > 0 && fault.life.scaleYears > 0)) wrong.push(`${place}: the life is no Weibull`)
  return wrong
}

function checkRule(type: ApplianceType, rule: Rule): string[] {
  const wrong = checkText(rule.title, rule.id)
  const isDanger = rule.safetyClass === 'E0' || rule.safetyClass === 'E1'
  if (isDanger) wrong.push(...checkText(rule.advice, `${rule.id} advice`))
  if (isDanger && !rule.opensWorkOrder) wrong.push(`${rule.id}: a danger that opens no work order`)
  const fault = type.faults.find((candidate) => candidate.code === rule.fault)
  if (rule.fault !== null && fault === undefined) wrong.push(`${rule.id}: points at ${rule.fault}, which is no fault`)
  const classes = [fault?.safetyClass, ...(fault?.escalations ?? []).map(({ to }) => to)]
  if (fault !== undefined && !classes.includes(rule.safetyClass)) wrong.push(`${rule.id}: ${rule.safetyClass}, but its fault is ${fault.safetyClass}`)
  if (rule.holdMs < 0 || rule.clearHoldMs < 0 || rule.gapMs_MAX <= 0) wrong.push(`${rule.id}: a time is negative`)
  if (rule.source === '') wrong.push(`${rule.id}: no source`)
  const leaves = leavesOf(rule.when)
  if (isDanger && !leaves.some((leaf) => type.channels.some((channel) => channel.name === leaf.channel && channel.isSafety))) {
    wrong.push(`${rule.id}: a danger that looks at no safety channel`)
  }
  return [...wrong, ...leaves.flatMap((leaf) => checkLeaf(type, rule.id, leaf))]
}

function checkRecipe(type: ApplianceType): string[] {
  const { recipe } = type
  if (recipe === undefined) return []
  const known = new Set(type.channels.filter((channel) => channel.kind !== 'text').map((channel) => channel.name))
  const used = [recipe.running.channel, ...recipe.steady.map((bound) => bound.channel)]
  const wrong = used.filter((channel) => !known.has(channel)).map((channel) => `recipe: ${channel} is no channel with numbers`)
  for (const feature of recipe.features) {
    wrong.push(...checkText(feature.description, feature.name))
    if (unitOfName(feature.name) !== feature.unit)
      wrong.push(`${feature.name}: the name ends in ${unitOfName(feature.name)}, the unit is ${feature.unit}`)
    for (const channel of derivationChannels(feature.derive))
      if (!known.has(channel)) wrong.push(`${feature.name}: ${channel} is no channel with numbers`)
  }
  if (recipe.records_MIN !== undefined && !known.has(recipe.records_MIN.channel))
    wrong.push(`recipe: ${recipe.records_MIN.channel} is no channel with numbers`)
  if (!recipe.features.some((feature) => feature.role === 'driving')) wrong.push('recipe: no driving feature')
  if (!recipe.features.some((feature) => feature.role === 'response')) wrong.push('recipe: no response feature')
  return wrong
}
