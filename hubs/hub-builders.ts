/** Builders of alarms, diagnoses and a small appliance type for the tests of the hubs. */
import type { ApplianceType, Fault, Rule } from '#catalogue/appliance-type.ts'
import type { Alarm } from '#kernel/alarm.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import type { HubEvent } from '#kernel/hub-event.ts'

const text = (en: string) => ({ en, 'zh-CN': en })

const fault = (code: string, rivals: readonly string[]): Fault => ({
  code,
  name: text(`fault ${code}`),
  safetyClass: 'E2',
  customerSees: text('does not cool'),
  signs: [],
  sources: ['EJ'],
  parts: [
    { part: 'refrigerant', quantity: 1, probability: 0.9 },
    { part: 'flare-nut', quantity: 2, probability: 0.4 },
  ],
  skills: ['REF'],
  questions: [{ rivals, text: text(`question of ${code}`) }],
  steps: ['find-leak', 'charge'],
  life: undefined,
  foundBy: ['model'],
})

const rule = (id: string, given: Partial<Rule>): Rule => ({
  id,
  version: 1,
  safetyClass: 'E2',
  fault: null,
  title: text(id),
  advice: text('switch it off'),
  when: { all: [] },
  holdMs: 0,
  clearHoldMs: 0,
  gapMs_MAX: 0,
  opensWorkOrder: true,
  source: 'EJ',
  ...given,
})

const step = (id: string, minutes: number) => ({ id, text: text(id), tools: ['manifold'], minutes, proof: text('photo') })

/** A type with three faults and four rules. */
export const testType: ApplianceType = {
  id: 'test_unit',
  version: '1',
  name: text('test unit'),
  channels: [],
  faults: [fault('T-01', ['T-02']), fault('T-02', ['T-01']), fault('T-03', [])],
  parts: [
    { part: 'refrigerant', name: text('Refrigerant') },
    { part: 'flare-nut', name: text('Flare nut') },
  ],
  steps: [step('find-leak', 20), step('charge', 30)],
  rules: [
    rule('protection', { fault: 'T-01' }),
    rule('no-fault-named', {}),
    rule('evidence-only', { opensWorkOrder: false }),
    rule('fire', { safetyClass: 'E0', fault: 'T-03' }),
  ],
  recipe: undefined,
}

const HOUR_MS = 3_600_000

/** Device time at which the tests' stories begin. */
export const STORY_MS = Date.UTC(2026, 5, 1)

/** A diagnosis of hour `hour` of the story. */
export function buildDiagnosis(given: Partial<Diagnosis> & { readonly hour?: number } = {}): Diagnosis {
  const { hour = 1, ...rest } = given
  const device = rest.device ?? 'unit-1'
  const named = rest.fault === undefined ? 'T-01' : rest.fault
  const made_at_ms = STORY_MS + hour * HOUR_MS
  return {
    diagnosis_id: `dg-${device}-${named}-${hour}`,
    tenant: 'home',
    device,
    type: 'test_unit',
    source: 'model',
    made_at_ms,
    received_at_ms: made_at_ms,
    window_from_ms: made_at_ms - HOUR_MS,
    window_to_ms: made_at_ms,
    answer: 'fault',
    fault: named,
    fault_name: `fault ${named}`,
    probability: 0.8,
    safety_class: 'E2',
    evidence_for: [{ feature: 'subcooling_k', text: 'low subcooling', observed: 1, expected: 5, unit: 'k', z_score: -4 }],
    evidence_against: [],
    rivals: [],
    next_question: null,
    parts: [],
    skills: [],
    versions: { model: 'm1', rule: null, catalogue: '1', schema: 1, firmware: null },
    ...rest,
  }
}

/** An alarm of hour `hour` of the story. */
export function buildAlarm(given: Partial<Alarm> & { readonly hour?: number } = {}): Alarm {
  const { hour = 1, ...rest } = given
  const rule = rest.rule ?? 'protection'
  const device = rest.device ?? 'unit-1'
  const raised_at_ms = STORY_MS + hour * HOUR_MS
  return {
    alarm_id: `al-${device}-${rule}-${hour}`,
    tenant: 'home',
    device,
    type: 'test_unit',
    rule,
    rule_version: 1,
    safety_class: 'E2',
    fault: 'T-01',
    title: rule,
    began_at_ms: raised_at_ms - 60_000,
    raised_at_ms,
    received_at_ms: raised_at_ms,
    cleared_at_ms: null,
    evidence: [{ condition: 'pressure below 100 kPa', value: 80, unit: 'kpa' }],
    ...rest,
  }
}

export const diagnosed = (given: Parameters<typeof buildDiagnosis>[0] = {}): HubEvent => {
  const diagnosis = buildDiagnosis(given)
  return { kind: 'diagnosis_made', key: diagnosis.diagnosis_id, diagnosis }
}

export const raised = (given: Parameters<typeof buildAlarm>[0] = {}): HubEvent => {
  const alarm = buildAlarm(given)
  return { kind: 'alarm_raised', key: `${alarm.alarm_id}/raised`, alarm }
}

export const cleared = (given: Parameters<typeof buildAlarm>[0] = {}): HubEvent => {
  const alarm = buildAlarm(given)
  return { kind: 'alarm_cleared', key: `${alarm.alarm_id}/cleared`, alarm: { ...alarm, cleared_at_ms: alarm.raised_at_ms + 600_000 } }
}
