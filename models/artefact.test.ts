import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { applianceTypes } from '#catalogue/registry.ts'
import { systemClock } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { ARTEFACTS_DIRECTORY, type ArtefactFiles, type Card, checkArtefact, loadArtefacts, readArtefact, sha256 } from './artefact.ts'
import { SOFTMAX_ONNX } from './model-runtime.contract.ts'
import { inspectOnnx } from './onnx-inspect.ts'
import { createOnnxRuntime } from './runtimes/onnx-runtime.ts'
import { card, pump, reference } from './test-builders.ts'

const json = (value: unknown) => Buffer.from(JSON.stringify(value))
const fileOf = (bytes: Uint8Array) => ({ bytes: bytes.byteLength, sha256: sha256(bytes) })

/** Files that pass the check, but for what `change` of the card and `files` says. */
function someFiles(change: Partial<Card> = {}, files: Partial<ArtefactFiles> = {}): ArtefactFiles {
  const parts = { model: SOFTMAX_ONNX, reference: json(reference), parity: json({ tolerance: 1e-4, rows: [], probabilities: [] }), ...files }
  const described = { ...card, model: fileOf(parts.model), reference: fileOf(parts.reference), parity: fileOf(parts.parity), ...change }
  return { ...parts, card: files.card ?? json(described) }
}

/** The softmax model with its graph's operator renamed (same length), and with an initialiser whose data lie in another file. */
const renamed = Buffer.from(SOFTMAX_ONNX.toString('latin1').replace('Softmax', 'Sovtmax'), 'latin1')
const externalTensor = Uint8Array.of(0x2a, 0x06, 0x6a, 0x04, 0x0a, 0x02, 0x61, 0x62)
const external = Buffer.concat([SOFTMAX_ONNX, Uint8Array.of(0x3a, externalTensor.length), externalTensor])
const sparse = Buffer.concat([SOFTMAX_ONNX, Uint8Array.of(0x3a, 0x02, 0x7a, 0x00)])

describe('checkArtefact', () => {
  it('accepts an artefact whose files and card agree', () => {
    expect(checkArtefact(someFiles(), pump).card.version).toBe('test-1')
  })

  it.each<[string, ArtefactFiles, RegExp]>([
    ['a model of another size', someFiles({ model: { bytes: 7, sha256: '0'.repeat(64) } }), /model has \d+ bytes, the card says 7/],
    ['a model of another hash', someFiles({ model: { bytes: SOFTMAX_ONNX.length, sha256: '0'.repeat(64) } }), /model does not have the hash/],
    [
      'a reference of another hash',
      someFiles({ reference: { bytes: json(reference).length, sha256: '1'.repeat(64) } }),
      /reference does not have the hash/,
    ],
    ['another input', someFiles({ input_name: 'rows' }), /no input rows/],
    ['another output', someFiles({ output_name: 'label' }), /no output label/],
    ['an operator that is not on the list', someFiles({}, { model: renamed }), /Sovtmax/],
    ['external data', someFiles({}, { model: external }), /outside itself/],
    ['sparse tensors', someFiles({}, { model: sparse }), /sparse/],
    ['bytes that are no model', someFiles({}, { model: Uint8Array.of(7, 7, 7) }), /not ONNX/],
    ['another type', someFiles({ type: 'fridge' }), /card is of fridge/],
    ['another recipe', someFiles({ recipe_version: 2 }), /recipe 2/],
    ['classes that nobody knows', someFiles({ classes: ['no_fault', 'K-09'] }), /K-09/],
    ['no class for no fault', someFiles({ classes: ['K-01', 'K-02'] }), /no class no_fault/],
    ['inputs that the reference lacks', someFiles({ inputs: ['lift_k', 'noise_w'] }), /inputs noise_w are not made/],
    ['a card with a field missing', someFiles({ version: '' }), /card.json\/version/],
    ['a card that is no JSON', someFiles({}, { card: Buffer.from('{') }), /not JSON/],
  ])('refuses %s', (_, files, expected) => {
    expect(() => checkArtefact(files, pump)).toThrow(expected)
    expect(() => checkArtefact(files, pump)).toThrow(expect.objectContaining({ code: 'MDL_MODEL_INVALID' }))
  })

  it('reports all faults of the files together', () => {
    const wrong = { bytes: 7, sha256: '0'.repeat(64) }
    expect(() => checkArtefact(someFiles({ model: wrong, parity: wrong }), pump)).toThrow(/model has .*; parity has/)
  })
})

describe('loadArtefacts', () => {
  it('has no artefact where there is no folder, and refuses a folder that lacks a file', async () => {
    expect((await loadArtefacts(() => pump, '/nowhere/at/all')).size).toBe(0)
    const directory = await mkdtemp(join(tmpdir(), 'artefact-'))
    await writeFile(join(directory, 'card.json'), '{}')
    await expect(readArtefact(directory)).rejects.toMatchObject({ code: 'MDL_MODEL_INVALID' })
    await rm(directory, { recursive: true })
  })
})

describe('committed artefacts', async () => {
  const artefacts = await loadArtefacts((id) => applianceTypes.find((type) => type.id === id))

  it('there is one of the air conditioner, below 3 MB, trained on the faults that the models are to find', () => {
    const { card: committed, model } = artefacts.get('air_conditioner') ?? {}
    const faults = applianceTypes[0]?.faults.filter(({ foundBy }) => foundBy.includes('model')).map(({ code }) => code)
    expect(committed?.classes).toEqual(['no_fault', ...(faults ?? [])])
    expect(model?.byteLength).toBeLessThan(3_000_000)
  })

  it.each([...artefacts.keys()])('%s passes the whole check, of which a start does a part', async (id) => {
    const type = applianceTypes.find((known) => known.id === id)
    if (type === undefined) throw new Error(`${id} is not in the catalogue`)
    const whole = checkArtefact(await readArtefact(join(ARTEFACTS_DIRECTORY, id)), type)
    expect(artefacts.get(id)).toEqual(whole)
  })

  it('are refused at the start when a file is not that of the card', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'artefacts-'))
    const own = join(directory, 'fridge')
    await cp(join(ARTEFACTS_DIRECTORY, 'fridge'), own, { recursive: true })
    await writeFile(join(own, 'parity.json'), '{}')
    await expect(loadArtefacts((id) => applianceTypes.find((type) => type.id === id), directory)).rejects.toThrow(/parity has 2 bytes/)
    await rm(directory, { recursive: true })
  })

  it.each([...artefacts])('%s: the runtime says what Python said of the parity rows, within the tolerance', async (_, artefact) => {
    const { inputs, classes, input_name, output_name } = artefact.card
    const contract = { inputName: input_name, outputName: output_name, featureCount: inputs.length, classCount: classes.length }
    const runtime = createOnnxRuntime({ model: artefact.model, contract, clock: systemClock, log: silentLog, limits })
    await runtime.start()
    expect(artefact.parity.rows.length).toBeGreaterThan(20)
    for (const [index, row] of artefact.parity.rows.entries()) {
      const scores = await runtime.run(Float32Array.from(row), 1)
      const differences = artefact.parity.probabilities[index]?.map((probability, at) => Math.abs(probability - (scores[at] ?? Number.NaN))) ?? []
      expect(Math.max(...differences)).toBeLessThanOrEqual(1e-4)
    }
    await runtime.stop()
  })
})

describe('inspectOnnx', () => {
  it('finds operators, inputs and outputs', () => {
    expect(inspectOnnx(SOFTMAX_ONNX)).toEqual({
      operators: new Set(['Softmax']),
      domains: new Set(),
      inputs: ['features'],
      outputs: ['probabilities'],
      hasExternalData: false,
      hasSparseTensors: false,
    })
  })

  it('refuses a model that is cut off anywhere, or reads less of it, and never hangs', () => {
    for (let length = 0; length < SOFTMAX_ONNX.length; length++) {
      try {
        expect(inspectOnnx(SOFTMAX_ONNX.subarray(0, length)).operators.size).toBeLessThanOrEqual(1)
      } catch (error) {
        expect(error).toMatchObject({ code: 'MDL_MODEL_INVALID' })
      }
    }
  })
})
