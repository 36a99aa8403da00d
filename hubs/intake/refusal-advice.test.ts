import { afterEach, describe, expect, it } from 'vitest'
import { applianceTypes } from '#catalogue/registry.ts'
import { silentLog } from '#kernel/log.ts'
import type { HouseholdReport } from '#kernel/report.ts'
import { openOperations } from '../../operations/open-database.ts'
import { type HubBench, openHubBench } from '../hub-bench.ts'

const opened: HubBench[] = []
afterEach(async () => {
  for (const bench of opened.splice(0)) await bench.close()
})

async function bench() {
  const b = await openHubBench(await openOperations({ file: ':memory:', log: silentLog }), {
    catalogue: (id) => applianceTypes.find((type) => type.id === id),
    unitOf: (_tenant, device) => (device === 'washer' ? { type: 'washing_machine', household: null, installed_at_ms: null } : undefined),
  })
  opened.push(b)
  const say = (given: Partial<HouseholdReport>) =>
    b.hubs.report({ tenant: 'home', actor: 'desk', source: 'household', device: 'washer', at_ms: b.clock.now(), ...given })
  return { ...b, say }
}

describe('the refusal of a report', () => {
  it.each([
    ['body.device', { device: 'nobody', text: '闻到燃气味' }, 'gas', 'windows'],
    ['body.device', { device: 'nobody', symptom: 'burning_smell' }, 'fire_or_shock', 'breaker'],
    ['body.device', { device: 'nobody', answers: [{ question: 'HM-Q04', answer: 'yes' }] }, 'water', 'tap'],
    ['body.symptom', { symptom: 'sings', text: 'there is smoke' }, 'fire_or_shock', 'breaker'],
  ] as const)('of %s says what to do about the danger that is told in it', async (field, given, hazard, word) => {
    const { say } = await bench()
    const safety_advice = { en: expect.stringContaining(word), 'zh-CN': expect.stringMatching(/请/) }
    const details = { hazard, safety_advice, errors: [{ field }] }
    await expect(say(given as Partial<HouseholdReport>)).rejects.toMatchObject({ code: 'MDL_API_INVALID', details })
  })

  it('of a contact that is not of the unit does, too', async () => {
    const { say } = await bench()
    const details = { hazard: 'gas', safety_class: 'E0' }
    await expect(say({ contact_id: 'contact_x', text: 'I smell gas' })).rejects.toMatchObject({ code: 'MDL_API_NOT_FOUND', details })
  })

  it('says nothing of a danger where none is told', async () => {
    const { say } = await bench()
    const refusal = await say({ device: 'nobody', text: 'no smell of gas, it drips a little' }).catch((error: { details: object }) => error.details)
    expect(refusal).toEqual({ errors: [{ field: 'body.device', reason: expect.stringContaining('registered') }] })
  })
})
