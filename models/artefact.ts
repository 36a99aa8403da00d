/**
 * A model artefact: the ONNX bytes, the no-fault reference, the parity rows and the card that says what they are, how they were made
 * and what was measured. Artefacts are loaded as bytes from `artefacts/<type>/` and refused as a whole when size, hash, inputs,
 * outputs, operators or the catalogue do not agree; a type without an artefact has no diagnosis, which is not an error.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Static, type TSchema, Type } from 'typebox'
import { Value } from 'typebox/value'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { MendlineError } from '#kernel/errors.ts'
import { AccumulationSchema } from './accumulate.ts'
import { createInputs } from './inputs.ts'
import { inspectOnnx, objectionsTo } from './onnx-inspect.ts'
import { type Reference, ReferenceSchema } from './reference.ts'
import { DriftReferenceSchema } from './registry/drift-reference.ts'

const FileSchema = Type.Object({ bytes: Type.Integer({ minimum: 1 }), sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }) })

export const CardSchema = Type.Object({
  schema: Type.Literal(1),
  type: Type.String(),
  /** Version of the model; stands on every diagnosis. */
  version: Type.String({ minLength: 1 }),
  catalogue_version: Type.String(),
  recipe_version: Type.Integer(),
  algorithm: Type.String(),
  input_name: Type.String(),
  output_name: Type.String(),
  /** The output is one score a row, the probability of the second class; absent: one number a class. */
  output_kind: Type.Optional(Type.Literal('score')),
  /** Names of the inputs in order, as `inputs.ts` makes them. */
  inputs: Type.Array(Type.String(), { minItems: 1 }),
  /** `no_fault` and fault codes in the order of the outputs. */
  classes: Type.Array(Type.String(), { minItems: 2 }),
  model: FileSchema,
  reference: FileSchema,
  parity: FileSchema,
  /** The inputs are means over this many of a device's last windows, none older than this. */
  smoothing: Type.Object({ windows: Type.Integer({ minimum: 1 }), age_ms: Type.Integer({ minimum: 1 }) }),
  /** Probabilities are the softmax of log(output) / temperature. */
  calibration: Type.Object({ temperature: Type.Number({ exclusiveMinimum: 0 }) }),
  /** How evidence adds up over windows; absent: each mean is judged by itself. */
  accumulation: Type.Optional(AccumulationSchema),
  decision: Type.Object({
    /** Probability from which a fault is named; follows from the alert budget. */
    threshold: Type.Number({ minimum: 0, maximum: 1 }),
    alert_budget_per_1000_unit_weeks: Type.Number(),
    /** Windows in a row that must give the same answer; two when absent. */
    agree_windows: Type.Optional(Type.Integer({ minimum: 1, maximum: 14 })),
    /** Root mean square of the z-scores above which a window that no class explains is an unknown fault. */
    unknown_distance: Type.Number({ exclusiveMinimum: 0 }),
  }),
  /** What the artefact was trained and measured on, and what came out; written by the trainer. */
  data: Type.Record(Type.String(), Type.Unknown()),
  scores: Type.Record(Type.String(), Type.Unknown()),
  limits: Type.Array(Type.String()),
  /** What drift is measured against; absent in models whose maker did not say. */
  drift: Type.Optional(DriftReferenceSchema),
})

export const ParitySchema = Type.Object({
  tolerance: Type.Number(),
  rows: Type.Array(Type.Array(Type.Number())),
  /** What Python says of the rows. */
  probabilities: Type.Array(Type.Array(Type.Number())),
})

export type Card = Static<typeof CardSchema>
export type Parity = Static<typeof ParitySchema>

export interface Artefact {
  readonly card: Card
  readonly reference: Reference
  readonly parity: Parity
  readonly model: Uint8Array
}

/** The files of an artefact as they lie on disk. */
export interface ArtefactFiles {
  readonly card: Uint8Array
  readonly model: Uint8Array
  readonly reference: Uint8Array
  readonly parity: Uint8Array
}

/** Largest model that is loaded; committed artefacts are far below (chosen). */
export const MODEL_BYTES_MAX = 16 * 1024 * 1024

/** Where the committed artefacts lie. */
export const ARTEFACTS_DIRECTORY = fileURLToPath(new URL('./artefacts/', import.meta.url))

/**
 * Loads every artefact below `directory` whose type `types` knows. Files that have the hashes of their card are as they were committed, and
 * a test checks these whole; walking through each model at each start would cost devices half a second before they are let in.
 * @throws MendlineError MDL_MODEL_INVALID
 */
export async function loadArtefacts(
  types: (type: string) => ApplianceType | undefined,
  directory: string = ARTEFACTS_DIRECTORY,
): Promise<ReadonlyMap<string, Artefact>> {
  const artefacts = new Map<string, Artefact>()
  for (const entry of await readdir(directory, { withFileTypes: true }).catch(() => [])) {
    const type = entry.isDirectory() ? types(entry.name) : undefined
    if (type !== undefined) artefacts.set(type.id, checkArtefact(await readArtefact(join(directory, entry.name)), type, { isCommitted: true }))
  }
  return artefacts
}

/** Reads the files of one artefact. @throws MendlineError MDL_MODEL_INVALID when one is missing */
export async function readArtefact(directory: string): Promise<ArtefactFiles> {
  try {
    const [card, model, reference, parity] = await Promise.all(
      ['card.json', 'model.onnx', 'reference.json', 'parity.json'].map((file) => readFile(join(directory, file))),
    )
    if (card === undefined || model === undefined || reference === undefined || parity === undefined) throw new Error('four files were asked for')
    return { card, model, reference, parity }
  } catch (cause) {
    throw new MendlineError('MDL_MODEL_INVALID', 'a file of the artefact cannot be read', { cause, details: { directory } })
  }
}

/**
 * Checks the files against the card and the card against the type, and reports all faults together.
 * @throws MendlineError MDL_MODEL_INVALID
 */
export function checkArtefact(files: ArtefactFiles, type: ApplianceType, { isCommitted = false } = {}): Artefact {
  const card = parseJson(files.card, CardSchema, 'card.json')
  const faults: string[] = []
  for (const name of ['model', 'reference', 'parity'] as const) {
    if (files[name].byteLength !== card[name].bytes) faults.push(`${name} has ${files[name].byteLength} bytes, the card says ${card[name].bytes}`)
    else if (sha256(files[name]) !== card[name].sha256) faults.push(`${name} does not have the hash of the card`)
  }
  if (files.model.byteLength > MODEL_BYTES_MAX) faults.push(`the model is larger than ${MODEL_BYTES_MAX} bytes`)
  if (faults.length === 0) faults.push(...(isCommitted ? [] : checkModel(files.model, card)), ...checkAgainstType(card, type))
  if (faults.length > 0) throw invalid(faults)
  const parse = isCommitted ? parseKnown : parseJson
  const reference = parse(files.reference, ReferenceSchema, 'reference.json')
  const inputs = createInputs(
    card.inputs,
    type,
    reference.responses.map(({ feature }) => feature),
  )
  if (typeof inputs !== 'function') throw invalid([`the inputs ${inputs.join(', ')} are not made of the reference's features or the type's faults`])
  return { card, reference, parity: parse(files.parity, ParitySchema, 'parity.json'), model: files.model }
}

function checkModel(model: Uint8Array, card: Card): string[] {
  const summary = inspectOnnx(model)
  const faults: string[] = []
  if (!summary.inputs.includes(card.input_name)) faults.push(`the model has no input ${card.input_name}`)
  if (!summary.outputs.includes(card.output_name)) faults.push(`the model has no output ${card.output_name}`)
  return [...faults, ...objectionsTo(summary)]
}

function checkAgainstType(card: Card, type: ApplianceType): string[] {
  const faults: string[] = []
  if (card.type !== type.id) faults.push(`the card is of ${card.type}, not of ${type.id}`)
  if (card.recipe_version !== type.recipe?.version)
    faults.push(`trained on recipe ${card.recipe_version}, the catalogue has ${type.recipe?.version ?? 'none'}`)
  const codes = new Set(type.faults.map(({ code }) => code))
  const unknown = card.classes.filter((name) => name !== NO_FAULT && !codes.has(name))
  if (unknown.length > 0) faults.push(`classes ${unknown.join(', ')} are not in the catalogue`)
  if (!card.classes.includes(NO_FAULT)) faults.push(`there is no class ${NO_FAULT}`)
  return faults
}

/** Name of the class of units without fault. */
export const NO_FAULT = 'no_fault'

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const invalid = (faults: readonly string[]): MendlineError => new MendlineError('MDL_MODEL_INVALID', faults.join('; '), { details: { faults } })

/** Of a file that is known by its hash. */
const parseKnown = <Schema extends TSchema>(bytes: Uint8Array, _schema: Schema, _name: string): Static<Schema> =>
  JSON.parse(new TextDecoder().decode(bytes)) as Static<Schema>

function parseJson<Schema extends TSchema>(bytes: Uint8Array, schema: Schema, name: string): Static<Schema> {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new MendlineError('MDL_MODEL_INVALID', `${name} is not JSON`, { cause })
  }
  if (!Value.Check(schema, value)) {
    const faults = [...Value.Errors(schema, value)].slice(0, 5).map((error) => `${name}${error.instancePath}: ${error.message}`)
    throw invalid(faults)
  }
  return value
}
