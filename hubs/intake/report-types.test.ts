/** Every type of the catalogue can be reported: by each of its symptoms, and by what is likeliest to be said of each of its faults. */
import { describe, expect, it } from 'vitest'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { likelihoodOf } from '#catalogue/intake.ts'
import { applianceTypes } from '#catalogue/registry.ts'
import { silentLog } from '#kernel/log.ts'
import type { HouseholdReport } from '#kernel/report.ts'
import { openOperations } from '../../operations/open-database.ts'
import { openHubBench } from '../hub-bench.ts'

async function bench(type: ApplianceType) {
  const b = await openHubBench(await openOperations({ file: ':memory:', log: silentLog }), {
    catalogue: (id) => applianceTypes.find((known) => known.id === id),
    unitOf: () => ({ type: type.id, household: null, installed_at_ms: null }),
  })
  const say = (device: string, given: Partial<HouseholdReport>) =>
    b.hubs.report({ tenant: 'home', actor: 'desk', source: 'household', device, at_ms: b.clock.now(), ...given })
  return { ...b, say }
}

const mostLikely = <Said extends { readonly likelihood: Parameters<typeof likelihoodOf>[0] }>(
  said: readonly Said[],
  fault: string,
): Said | undefined => said.toSorted((a, b) => likelihoodOf(b.likelihood, fault) - likelihoodOf(a.likelihood, fault))[0]

describe.each(applianceTypes.map((type) => [type.id, type] as const))('a report of a %s', (_id, type) => {
  it('is taken with each symptom and code, and a burning smell is a danger', async () => {
    const b = await bench(type)
    const { symptoms = [], codes = [], questions = [] } = type.intake ?? {}
    expect(symptoms.length).toBeGreaterThan(3)
    expect(questions.length).toBeGreaterThan(4)
    for (const { id } of symptoms) expect((await b.say(`u-${id}`, { symptom: id })).diagnosis.ranked.length).toBeGreaterThan(0)
    for (const { code } of codes) expect((await b.say(`u-${code}`, { fault_code: code })).diagnosis.rests_on).toEqual(['code'])
    expect(await b.say('u-burns', { symptom: 'burning_smell' })).toMatchObject({ safety_class: 'E0', diagnosis: { fault: 'XX-01' } })
    await b.close()
  })

  it('comes to each of its faults among the first three by what is likeliest to be said of it', async () => {
    const b = await bench(type)
    const { symptoms = [], questions = [] } = type.intake ?? {}
    for (const { code, foundBy } of type.faults) {
      if (foundBy.length === 0) continue
      let answer = await b.say(`u-${code}`, { symptom: mostLikely(symptoms, code)?.id ?? '' })
      while (answer.next_question !== null) {
        const { question } = answer.next_question
        const chosen = mostLikely(questions.find(({ id }) => id === question)?.answers ?? [], code)
        answer = await b.say(`u-${code}`, { contact_id: answer.contact_id, answers: [{ question, answer: chosen?.id ?? '' }] })
      }
      expect(
        answer.diagnosis.ranked.slice(0, 3).map(({ fault }) => fault),
        code,
      ).toContain(code)
    }
    await b.close()
  })
})
