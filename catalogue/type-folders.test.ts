/** What a type's folder, its two lines and its plant promise, over all types; each broken promise is one sentence with its place. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type ApplianceType, type Condition, derivationChannels } from './appliance-type.ts'
import { commonFaults } from './common-faults.ts'
import { plantModels } from './physics-registry.ts'
import { NO_USE, type PlantModel, type Use } from './plant.ts'
import { outOfRange, runTrial } from './plant-trial.ts'
import { applianceTypes } from './registry.ts'

const has = (path: string): boolean => existsSync(new URL(path, import.meta.url))
const sources = readFileSync(new URL('../docs/sources.md', import.meta.url), 'utf8')
const common = new Set(commonFaults.map(({ code }) => code))
const ownCodes = ({ faults }: ApplianceType): string[] => faults.map(({ code }) => code).filter((code) => !common.has(code))

/** A household that uses whatever there is. */
const useAt = (minute: number): Use => ({
  ...NO_USE,
  freshDoorOpenS: minute % 60 === 0 ? 20 : 0,
  freezerDoorOpenS: minute % 180 === 0 ? 20 : 0,
  drawLMin: minute % 60 < 5 ? 7 : 0,
  ...(minute % 360 === 5 ? { wash: { loadKg: 5, unbalance: 0.2, programC: 40, detergentShare: 1 } } : {}),
})

function checkPlant({ channels, faults }: ApplianceType, plant: PlantModel): string[] {
  const setPointC = plant.habits === undefined ? 24 : (plant.habits.setPointC[0] + plant.habits.setPointC[1]) / 2
  const around = { isWanted: true, outdoorC: 32, indoorC: 26, setPointC }
  const trial = (severities: Readonly<Record<string, number>>, hours: number) =>
    runTrial(plant, channels, { seed: 'any', steps: 60 * hours, around, useAt, severities })
  const sound = trial({}, 24)
  const trials = [sound, ...plant.faults.map((code) => trial({ [code]: 1 }, 12))]
  const told = new Set(trials.flatMap(({ periodic, records }) => [...periodic.keys(), ...records.keys()]))
  const isChannel = (name: string): boolean => channels.some((channel) => channel.name === name)
  return [
    ...faults
      .filter(({ code, foundBy }) => foundBy.length > 0 && !plant.faults.includes(code))
      .map(({ code, foundBy }) => `physics faults: ${code} is found by ${foundBy.join(' and ')}, and the plant does not show it`),
    ...plant.faults.filter((code) => !faults.some((fault) => fault.code === code)).map((code) => `physics faults: ${code} is no fault of the type`),
    ...Object.keys(plant.noise).flatMap((name) => (isChannel(name) ? [] : [`physics noise: ${name} is no channel`])),
    ...[...told].filter((name) => !isChannel(name)).map((name) => `physics events: ${name} is no channel`),
    ...channels.flatMap(({ name, kind }) =>
      kind === 'text' || told.has(name) ? [] : [`physics: ${name} is told neither with a reading nor in an event`],
    ),
    ...outOfRange(sound, channels).map((what) => `physics: ${what} lies outside the channel, without fault`),
  ]
}

describe('the folders of the catalogue', () => {
  it('are all in the registries', () => {
    const folders = readdirSync(new URL('.', import.meta.url), { withFileTypes: true }).filter(
      (entry) => entry.isDirectory() && entry.name !== 'blocks',
    )
    const wrong = folders.flatMap(({ name }) => {
      const id = name.replaceAll('-', '_')
      if (!applianceTypes.some((type) => type.id === id)) return [`${name}: no type of the id ${id} in registry.ts`]
      return has(`${name}/physics.ts`) && !plantModels.has(id) ? [`${name}: its plant is not in physics-registry.ts under the id ${id}`] : []
    })
    expect(wrong).toEqual([])
  })

  it('have a plant for no type that the registry does not list', () => {
    expect([...plantModels.keys()].filter((id) => !applianceTypes.some((type) => type.id === id))).toEqual([])
  })

  it('have no two types of one id', () => {
    expect(new Set(applianceTypes.map((type) => type.id)).size).toBe(applianceTypes.length)
  })
})

for (const type of applianceTypes) {
  describe(type.id, () => {
    it('has codes of its own', () => {
      const codes = ownCodes(type)
      const taken = new Map(
        applianceTypes.filter((other) => other !== type).flatMap((other) => ownCodes(other).map((code) => [code.slice(0, 2), other.id])),
      )
      expect([
        ...codes.filter((code) => !/^[A-Z]{2}-\d{2}$/.test(code)).map((code) => `${code}: a code is two letters, a hyphen and two digits`),
        ...codes.filter((code) => taken.has(code.slice(0, 2))).map((code) => `${code}: these letters are those of ${taken.get(code.slice(0, 2))}`),
      ]).toEqual([])
    })

    it('names sources of docs/sources.md', () => {
      const wrong = type.faults.flatMap((fault) =>
        fault.sources.filter((source) => !sources.includes(`\n| ${source} |`)).map((source) => `${fault.code}: ${source} is not in docs/sources.md`),
      )
      expect(wrong).toEqual([])
    })

    const plant = plantModels.get(type.id)
    if (plant === undefined) return
    it('has a plant that shows its faults and tells its channels', () => {
      expect(checkPlant(type, plant)).toEqual([])
    })
  })
}

/** Channels that a condition looks at. */
function channelsOf(condition: Condition): string[] {
  if ('all' in condition) return condition.all.flatMap(channelsOf)
  if ('any' in condition) return condition.any.flatMap(channelsOf)
  if ('not' in condition) return channelsOf(condition.not)
  if ('held' in condition) return channelsOf(condition.held)
  return [condition.channel, ...(condition.minus === undefined ? [] : [condition.minus])]
}

describe('rules on records', () => {
  it.each(applianceTypes.map((type) => [type.id, type] as const))(
    'of %s clear by the next record that is well again, however late it comes',
    (_, type) => {
      const derives = (type.recipe?.features ?? []).map(({ derive }) => derive)
      const records = new Set(derives.filter((derive) => Object.keys(derive).some((name) => name.startsWith('record'))).flatMap(derivationChannels))
      const waiting = type.rules.filter(({ when, clearHoldMs }) => clearHoldMs > 0 && channelsOf(when).some((channel) => records.has(channel)))
      expect(waiting.map(({ id }) => id)).toEqual([])
    },
  )
})
