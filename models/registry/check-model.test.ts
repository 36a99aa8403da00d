import { describe, expect, it } from 'vitest'
import { systemClock } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { MODEL_BYTES_MAX } from '../artefact.ts'
import { SOFTMAX_ONNX, softmaxOf } from '../model-runtime.contract.ts'
import { LOOP_ONNX } from '../runtimes/unruly-models.ts'
import { artefact, pump } from '../test-builders.ts'
import { checkGivenModel, contractFaults } from './check-model.ts'

const features = ['lift_k', 'power_w', 'distance']
const classes = ['no_fault', 'K-01', 'K-02']
const manifest = {
  schema: 1,
  type: 'pump',
  version: 'mine-1',
  input: { name: 'features', features },
  output: { name: 'probabilities', kind: 'classes', classes },
  parity: 'parity.json',
}
const rows = [
  [1, 2, 3],
  [0, 0, 0],
  [-1, 4, 0.5],
  [2, 2, 2],
]
const parity = { rows, probabilities: rows.map(softmaxOf) }

const check = (change: { manifest?: object; parity?: unknown; model?: Uint8Array } = {}) =>
  checkGivenModel(
    { manifest: { ...manifest, ...change.manifest }, parity: change.parity ?? parity, model: change.model ?? SOFTMAX_ONNX },
    { findType: (name) => (name === 'pump' ? pump : undefined), baseOf: () => artefact, clock: systemClock, limits },
  )

/** The softmax model with other bytes in it. */
const changed = (from: string, to: string) => Buffer.from(SOFTMAX_ONNX.toString('latin1').replaceAll(from, to), 'latin1')
const externalTensor = Uint8Array.of(0x2a, 0x06, 0x6a, 0x04, 0x0a, 0x02, 0x61, 0x62)
const external = Buffer.concat([SOFTMAX_ONNX, Uint8Array.of(0x3a, externalTensor.length), externalTensor])
const sparse = Buffer.concat([SOFTMAX_ONNX, Uint8Array.of(0x3a, 0x02, 0x7a, 0x00)])

describe('checkGivenModel', () => {
  it('makes a card of the manifest with the reference of the model of the type', async () => {
    const { card, bytes } = await check()
    expect(card).toMatchObject({ version: 'mine-1', type: 'pump', inputs: features, classes, recipe_version: 1 })
    expect(JSON.parse(Buffer.from(bytes.reference).toString())).toEqual(artefact.reference)
  })

  it('names the version by the bytes when the manifest does not', async () => {
    const { card } = await check({ manifest: { version: undefined } })
    expect(card.version).toMatch(/^pump-own-[0-9a-f]{12}$/)
  })

  it.each<[string, Parameters<typeof check>[0], RegExp]>([
    ['a type that nobody knows', { manifest: { type: 'boat' } }, /there is no type boat/],
    ['a field that it does not know', { manifest: { extra: 1 } }, /manifest.*additional/i],
    ['a version with a path in it', { manifest: { version: '../x' } }, /manifest\/version/],
    [
      'a feature that nobody knows',
      { manifest: { input: { name: 'features', features: ['lift_k', 'colour', 'distance'] } } },
      /features colour are not known/,
    ],
    ['a class that is no fault', { manifest: { output: { ...manifest.output, classes: ['no_fault', 'K-01', 'Z-9'] } } }, /Z-9 are no faults of pump/],
    [
      'classes without no_fault',
      { manifest: { output: { ...manifest.output, classes: ['K-01', 'K-02', 'K-01'] } } },
      /no class no_fault.*named twice/,
    ],
    ['an input of another name', { manifest: { input: { name: 'x', features } } }, /no input x, it has features/],
    ['an output of another name', { manifest: { output: { ...manifest.output, name: 'y' } } }, /no output y, it has probabilities/],
    [
      'more features than the graph takes',
      {
        manifest: { input: { name: 'features', features: [...features, 'shape:lift_k'] } },
        parity: { rows: rows.map((row) => [...row, 0]), probabilities: parity.probabilities },
      },
      /input features has 3 columns, the manifest says 4/,
    ],
    [
      'fewer classes than the graph gives',
      { manifest: { output: { ...manifest.output, classes: ['no_fault', 'K-01'] } }, parity: { rows, probabilities: rows.map(() => [1, 0]) } },
      /output probabilities has 3 columns, the manifest says 2/,
    ],
    ['an operator that is not allowed', { model: LOOP_ONNX }, /operators Loop/],
    ['an operator that nobody knows', { model: changed('Softmax', 'Sovtmax') }, /operators Sovtmax/],
    ['data outside of itself', { model: external }, /data outside itself/],
    ['sparse tensors', { model: sparse }, /sparse tensors/],
    ['bytes that are no model', { model: Uint8Array.of(1, 2, 3) }, /cannot be loaded/],
    ['more bytes than a model may have', { model: new Uint8Array(MODEL_BYTES_MAX + 1) }, /it may have/],
    ['a parity file without rows', { parity: {} }, /needs `rows`/],
    ['too few rows', { parity: { rows: rows.slice(1), probabilities: parity.probabilities.slice(1) } }, /3 rows, it needs 4/],
    ['a name that means something else', { manifest: { version: 'live' } }, /no model is called live/],
    [
      'a feature twice and one that nobody knows, both at once',
      { manifest: { input: { name: 'features', features: ['lift_k', 'lift_k', 'colour'] } } },
      /lift_k stands twice.*features colour are not known/,
    ],
    ['a feature twice', { manifest: { input: { name: 'features', features: ['lift_k', 'lift_k', 'distance'] } } }, /lift_k stands twice/],
    [
      'a score of no fault',
      { manifest: { output: { name: 'probabilities', kind: 'score', fault: 'no_fault' } }, parity: { rows, scores: rows.map(() => 0) } },
      /fault of a score is a fault of pump/,
    ],
    ['an answer of another width', { parity: { rows, probabilities: rows.map(() => [1, 0]) } }, /answer 0 .* has 2 numbers/],
    [
      'answers that differ by more than 1e-4',
      { parity: { rows, probabilities: rows.map((row, index) => softmaxOf(row).map((value) => value + (index === 2 ? 2e-4 : 0))) } },
      /of row 2 of the parity file/,
    ],
  ])('refuses %s', async (_, change, reason) => {
    await expect(check(change)).rejects.toMatchObject({ code: 'MDL_MODEL_INVALID', message: expect.stringMatching(reason) })
  })

  it.each([
    ['body.manifest.version', { manifest: { version: '../x' } }],
    ['body.manifest.input.features', { manifest: { input: { name: 'features', features: ['lift_k', 'lift_k', 'distance'] } } }],
    ['body.parity', { parity: {} }],
    ['body.model', { model: Uint8Array.of(1, 2, 3) }],
  ])('names the field %s', async (field, change) => {
    await expect(check(change)).rejects.toMatchObject({ details: { errors: [{ field }] } })
  })

  it('takes answers that differ by less than 1e-4', async () => {
    const near = rows.map((row) => softmaxOf(row).map((value) => value + 9e-5))
    await expect(check({ parity: { rows, probabilities: near } })).resolves.toMatchObject({ card: { version: 'mine-1' } })
  })
})

describe('contractFaults', () => {
  const contract = { inputName: 'x', outputName: 'y', featureCount: 3, classCount: 2 }
  const summary = {
    operators: new Set<string>(),
    domains: new Set<string>(),
    inputs: [],
    outputs: [],
    hasExternalData: false,
    hasSparseTensors: false,
  }
  const end = (name: string, shape: Array<number | string>, type = 'float32') => ({ name, type, shape })

  it.each([
    ['another type', [end('x', ['N', 3], 'float64')], [end('y', ['N', 2])], /x is float64/],
    ['a batch that is fixed', [end('x', [1, 3])], [end('y', ['N', 2])], /exactly 1 rows/],
    ['three dimensions', [end('x', ['N', 3, 1])], [end('y', ['N', 2])], /3 dimensions/],
    ['a second input', [end('x', ['N', 3]), end('z', ['N', 3])], [end('y', ['N', 2])], /2 inputs/],
    ['a map of probabilities', [end('x', ['N', 3])], [end('y', [], 'other')], /ZipMap/],
  ])('finds %s', (_, inputs, outputs, reason) => {
    expect(contractFaults({ summary, inputs, outputs }, contract).join('; ')).toMatch(reason)
  })

  it('finds nothing in a graph that agrees, and takes a score without a column', () => {
    expect(contractFaults({ summary, inputs: [end('x', ['N', 3])], outputs: [end('y', ['N', 2])] }, contract)).toEqual([])
    expect(contractFaults({ summary, inputs: [end('x', ['N', 3])], outputs: [end('y', ['N'])] }, { ...contract, classCount: 1 })).toEqual([])
  })
})
