/**
 * Checks a model that somebody brings before it is taken in: its bytes, the real graph as a session of onnxruntime sees it against the manifest,
 * and its answers against the parity file. Everything that opens or runs the model happens in processes of its own; nothing of it runs here.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { type Artefact, type Card, MODEL_BYTES_MAX, NO_FAULT, type Parity } from '../artefact.ts'
import { createInputs } from '../inputs.ts'
import { objectionsTo } from '../onnx-inspect.ts'
import { objectionToRows } from '../runtimes/guarded-runtime.ts'
import { describeModel, startModelProcess } from '../runtimes/model-process.ts'
import type { GraphEnd, ModelContract, ModelDescription } from '../runtimes/onnx-protocol.ts'
import { createOnnxRuntime } from '../runtimes/onnx-runtime.ts'
import { artefactOf, invalid, PARITY_TOLERANCE, readManifest, readParity, refusal } from './manifest.ts'

export interface GivenModel {
  readonly manifest: unknown
  readonly parity: unknown
  readonly model: Uint8Array
}

export interface CheckParts {
  /** Type of the tenant by its name. */
  readonly findType: (name: string) => ApplianceType | undefined
  /** The type's own model, whose reference a brought one uses. */
  readonly baseOf: (type: string) => Artefact | undefined
  readonly clock: Clock
  readonly limits: Limits
}

/** What a model takes and gives, from its card. */
export const contractOf = ({ input_name, output_name, output_kind, inputs, classes }: Card): ModelContract => ({
  inputName: input_name,
  outputName: output_name,
  featureCount: inputs.length,
  classCount: output_kind === 'score' ? 1 : classes.length,
})

/**
 * Checks a model and makes its card and files.
 * @throws MendlineError MDL_MODEL_INVALID with every reason that was found, MDL_MODEL_TIMEOUT
 */
export async function checkGivenModel({ manifest: given, parity: givenParity, model }: GivenModel, parts: CheckParts) {
  const manifest = readManifest(given)
  if (model.byteLength > MODEL_BYTES_MAX) throw invalid('model', [`the model has ${model.byteLength} bytes, it may have ${MODEL_BYTES_MAX}`])
  const type = parts.findType(manifest.type)
  if (type === undefined) throw invalid('manifest', [`there is no type ${manifest.type}`])
  const base = parts.baseOf(type.id)
  if (base === undefined)
    throw invalid('manifest', [
      `the type ${type.id} has no model whose no-fault reference could be used; train one (mendline models train --type ${type.id})`,
    ])
  const artefact = artefactOf(manifest, { type, model, parity: readParity(givenParity, manifest), base })
  const { inputs } = artefact.card
  const twice = new Set(inputs.filter((name, at) => inputs.indexOf(name) !== at))
  const faults = [
    ...(twice.size > 0 ? [{ field: 'body.manifest.input.features', reason: `${[...twice].join(', ')} stands twice` }] : []),
    ...namesOf(artefact, type).map((reason) => ({ field: 'body.manifest', reason })),
  ]
  if (faults.length > 0) throw refusal(faults)
  const description = await describeModel(model, parts).catch((error: unknown) => {
    if (error instanceof MendlineError && error.code === 'MDL_MODEL_INVALID') throw invalid('model', [`the model cannot be loaded: ${error.message}`])
    return slow(error)
  })
  const found = [...objectionsTo(description.summary), ...contractFaults(description, contractOf(artefact.card))]
  if (found.length > 0) throw invalid('model', found)
  await checkParity(artefact, parts).catch(slow)
  return artefact
}

/** One that hangs is told as such at the field that brought it. */
function slow(error: unknown): never {
  if (!(error instanceof MendlineError) || error.code !== 'MDL_MODEL_TIMEOUT') throw error
  const reason = `the model gives no answer in time (${error.message})`
  throw new MendlineError('MDL_MODEL_TIMEOUT', reason, { cause: error, details: { errors: [{ field: 'body.model', reason }] } })
}

function namesOf({ card, reference }: Artefact, type: ApplianceType): string[] {
  const faults: string[] = []
  const codes = new Set(type.faults.map(({ code }) => code))
  const unknown = card.classes.filter((name) => name !== NO_FAULT && !codes.has(name))
  if (unknown.length > 0) faults.push(`${unknown.join(', ')} are no faults of ${type.id}`)
  if (!card.classes.includes(NO_FAULT)) faults.push(`there is no class ${NO_FAULT}`)
  const isSound = card.output_kind === 'score' && card.classes[1] === NO_FAULT
  if (isSound) faults.push(`the fault of a score is a fault of ${type.id}, not ${NO_FAULT}`)
  else if (new Set(card.classes).size < card.classes.length) faults.push('a class is named twice')
  const inputs = createInputs(
    card.inputs,
    type,
    reference.responses.map(({ feature }) => feature),
  )
  if (typeof inputs !== 'function') faults.push(`features ${inputs.join(', ')} are not known; \`mendline models features\` lists them`)
  return faults
}

/** Where the graph is another one than the manifest says. */
export function contractFaults({ inputs, outputs }: ModelDescription, contract: ModelContract): string[] {
  if (inputs === undefined || outputs === undefined) return []
  const faults: string[] = []
  const input = inputs.find(({ name }) => name === contract.inputName)
  const named = (ends: readonly GraphEnd[]): string => ends.map(({ name }) => name).join(', ')
  if (input === undefined) faults.push(`the model has no input ${contract.inputName}, it has ${named(inputs)}`)
  else faults.push(...endFaults('input', input, contract.featureCount))
  if (inputs.length > 1) faults.push(`the model has ${inputs.length} inputs (${named(inputs)}), one is fed`)
  const output = outputs.find(({ name }) => name === contract.outputName)
  if (output === undefined) faults.push(`the model has no output ${contract.outputName}, it has ${named(outputs)}`)
  else if (output.type === 'other') faults.push(`the output ${output.name} is no tensor; export without ZipMap`)
  else faults.push(...endFaults('output', output, contract.classCount))
  return faults
}

function endFaults(kind: 'input' | 'output', { name, type, shape }: GraphEnd, width: number): string[] {
  const faults: string[] = []
  if (type !== 'float32') faults.push(`the ${kind} ${name} is ${type}, not float32`)
  const [rows, columns = 1, ...more] = shape
  const isFlat = shape.length === 1 && kind === 'output' && width === 1
  if (more.length > 0 || (shape.length !== 2 && !isFlat)) faults.push(`the ${kind} ${name} has ${shape.length} dimensions, not 2`)
  else if (typeof columns === 'number' && columns > 0 && columns !== width)
    faults.push(`the ${kind} ${name} has ${columns} columns, the manifest says ${width}`)
  if (typeof rows === 'number' && rows > 0) faults.push(`the ${kind} ${name} takes exactly ${rows} rows; its first dimension must be free`)
  return faults
}

/** Runs the parity rows in batches as diagnosis does, and the first one alone. */
async function checkParity({ card, parity, model }: Artefact, { clock, limits }: CheckParts): Promise<void> {
  const contract = contractOf(card)
  const runtime = createOnnxRuntime({ model, contract, clock, log: silentLog, limits, startWorker: () => startModelProcess(limits) })
  try {
    await runtime.start()
    const run = async (rows: Parity['rows']): Promise<Float32Array> => runtime.run(Float32Array.from(rows.flat()), rows.length)
    const [first = []] = parity.rows
    const alone = await run([first])
    const answers: number[] = []
    for (let from = 0; from < parity.rows.length; from += limits.inferenceBatch_MAX)
      answers.push(...(await run(parity.rows.slice(from, from + limits.inferenceBatch_MAX))))
    const expected = parity.probabilities.flat()
    const farthest = expected.reduce(
      (worst, value, at) => (differs(value, answers[at]) > differs(expected[worst] ?? 0, answers[worst]) ? at : worst),
      0,
    )
    const difference = differs(expected[farthest] ?? 0, answers[farthest])
    if (!(difference <= PARITY_TOLERANCE)) {
      const row = Math.floor(farthest / contract.classCount)
      throw invalid('parity', [
        `the model says ${answers[farthest]} of row ${row} of the parity file, which says ${expected[farthest]}; they may differ by ${PARITY_TOLERANCE}`,
      ])
    }
    if ([...alone].some((value, at) => differs(value, answers[at]) > PARITY_TOLERANCE))
      throw invalid('model', ['the model says another thing of a row alone than in a batch'])
    if (answers.some((value) => value < -PARITY_TOLERANCE || value > 1 + PARITY_TOLERANCE))
      throw invalid('model', ['the output holds numbers that are no probabilities'])
    const objection = contract.classCount === 1 ? undefined : objectionToRows(Float32Array.from(answers), contract.classCount)
    if (objection !== undefined) throw invalid('model', [`the model ${objection}`])
  } finally {
    await runtime.stop()
  }
}

/** Not a number differs by more than anything. */
const differs = (a: number, b: number | undefined): number => {
  const difference = Math.abs(a - (b ?? Number.NaN))
  return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference
}
