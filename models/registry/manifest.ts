/**
 * The manifest that comes with a model of somebody else: what it is for, the names of its inputs and answers in the words of Mendline, and how
 * its numbers are read. With the reference of the type's own model it becomes a card like any other.
 */
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { MendlineError } from '#kernel/errors.ts'
import { type Artefact, type Card, NO_FAULT, type Parity, ParitySchema, sha256 } from '../artefact.ts'

const Name = Type.String({ minLength: 1, maxLength: 200 })

export const ManifestSchema = Type.Object(
  {
    schema: Type.Literal(1),
    type: Name,
    /** Stands on every diagnosis; made of the model's hash when absent. */
    version: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$' })),
    description: Type.Optional(Type.String({ maxLength: 2_000 })),
    input: Type.Object({ name: Name, features: Type.Array(Name, { minItems: 1, maxItems: 500 }) }, { additionalProperties: false }),
    output: Type.Union([
      Type.Object(
        { name: Name, kind: Type.Literal('classes'), classes: Type.Array(Name, { minItems: 2, maxItems: 200 }) },
        { additionalProperties: false },
      ),
      Type.Object({ name: Name, kind: Type.Literal('score'), fault: Name }, { additionalProperties: false }),
    ]),
    calibration: Type.Optional(Type.Object({ temperature: Type.Number({ exclusiveMinimum: 0, maximum: 100 }) }, { additionalProperties: false })),
    decision: Type.Optional(
      Type.Object(
        {
          threshold: Type.Optional(Type.Number({ minimum: 0.5, maximum: 1 })),
          unknown_distance: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
        },
        { additionalProperties: false },
      ),
    ),
    smoothing: Type.Optional(
      Type.Object({ windows: Type.Integer({ minimum: 1, maximum: 50 }), age_days: Type.Number({ exclusiveMinimum: 0, maximum: 60 }) }),
    ),
    /** Name of the parity file; the command line reads it. */
    parity: Type.Optional(Name),
  },
  { additionalProperties: false },
)

export type Manifest = Static<typeof ManifestSchema>

/** Difference that the answers of a model may have from what its maker says of the same rows. */
export const PARITY_TOLERANCE = 1e-4
/** Rows by which a model can be checked. */
const PARITY_ROWS_MIN = 4
const PARITY_ROWS_MAX = 5_000
const DAY_MS = 86_400_000

/** Words that stand in the place of a version in addresses and commands. */
const RESERVED = ['live', 'drift', 'history', 'features', 'trainings', 'rollback']

/** Reads a manifest. @throws MendlineError MDL_MODEL_INVALID that names each field */
export function readManifest(value: unknown): Manifest {
  if (Value.Check(ManifestSchema, value)) {
    const { version = '' } = value
    if (RESERVED.includes(version))
      throw refusal([{ field: 'body.manifest.version', reason: `no model is called ${version}: the word means something else` }])
    return value
  }
  throw refusal(
    [...Value.Errors(ManifestSchema, value)].slice(0, 8).map(({ instancePath, message }) => ({
      field: `body.manifest${instancePath.replaceAll('/', '.')}`,
      reason: `manifest${instancePath}: ${message}`,
    })),
  )
}

/** Reads a parity file: `rows` and what the model's maker says of each (`probabilities`, or `scores`). @throws MendlineError MDL_MODEL_INVALID */
export function readParity(value: unknown, { input, output }: Manifest): Parity {
  const given = value as { readonly rows?: unknown; readonly probabilities?: unknown; readonly scores?: unknown } | undefined
  const scores = Array.isArray(given?.scores) ? given.scores.map((score: unknown) => (Array.isArray(score) ? score : [score])) : undefined
  const parity = { tolerance: PARITY_TOLERANCE, rows: given?.rows, probabilities: scores ?? given?.probabilities }
  if (!Value.Check(ParitySchema, parity))
    throw invalid('parity', ['the parity file needs `rows` and `probabilities` (or `scores`), both lists of lists of numbers'])
  const width = output.kind === 'score' ? 1 : output.classes.length
  const faults: string[] = []
  if (parity.rows.length < PARITY_ROWS_MIN || parity.rows.length > PARITY_ROWS_MAX)
    faults.push(`the parity file has ${parity.rows.length} rows, it needs ${PARITY_ROWS_MIN} to ${PARITY_ROWS_MAX}`)
  if (parity.rows.length !== parity.probabilities.length)
    faults.push(`the parity file has ${parity.rows.length} rows and ${parity.probabilities.length} answers`)
  const short = parity.rows.findIndex((row) => row.length !== input.features.length)
  if (short >= 0) faults.push(`row ${short} of the parity file has ${parity.rows[short]?.length} numbers for ${input.features.length} features`)
  const odd = parity.probabilities.findIndex((row) => row.length !== width)
  if (odd >= 0) faults.push(`answer ${odd} of the parity file has ${parity.probabilities[odd]?.length} numbers, the manifest says ${width}`)
  if (faults.length > 0) throw invalid('parity', faults)
  return parity
}

/** Card and files of a model: the manifest's, with reference and defaults of the type's own model. */
export function artefactOf(
  manifest: Manifest,
  { type, model, parity, base }: { type: ApplianceType; model: Uint8Array; parity: Parity; base: Artefact },
): Artefact & { readonly bytes: Readonly<Record<'model' | 'reference' | 'parity', Uint8Array>> } {
  const bytes = { model, reference: encode(base.reference), parity: encode(parity) }
  const { input, output, calibration, decision, smoothing, version, description } = manifest
  const card: Card = {
    schema: 1,
    type: type.id,
    version: version ?? `${type.id}-own-${sha256(Buffer.concat([model, encode(manifest)])).slice(0, 12)}`,
    catalogue_version: type.version,
    recipe_version: base.card.recipe_version,
    algorithm: description ?? 'a model that was brought in',
    input_name: input.name,
    output_name: output.name,
    ...(output.kind === 'score' && { output_kind: 'score' as const }),
    inputs: input.features,
    classes: output.kind === 'score' ? [NO_FAULT, output.fault] : output.classes,
    model: factsOf(bytes.model),
    reference: factsOf(bytes.reference),
    parity: factsOf(bytes.parity),
    smoothing: smoothing === undefined ? base.card.smoothing : { windows: smoothing.windows, age_ms: Math.round(smoothing.age_days * DAY_MS) },
    calibration: { temperature: calibration?.temperature ?? 1 },
    decision: {
      threshold: decision?.threshold ?? base.card.decision.threshold,
      alert_budget_per_1000_unit_weeks: base.card.decision.alert_budget_per_1000_unit_weeks,
      unknown_distance: decision?.unknown_distance ?? base.card.decision.unknown_distance,
    },
    data: { source: 'not known here', reference_of: base.card.version },
    scores: {},
    limits: ['Brought in: what it was trained on is not known here. Its shadow report says how it does on this site.'],
  }
  return { card, reference: base.reference, parity, model, bytes }
}

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))
const factsOf = (bytes: Uint8Array) => ({ bytes: bytes.byteLength, sha256: sha256(bytes) })

/** Refusal of what stands in one of the three parts of a request. */
export const invalid = (part: 'manifest' | 'parity' | 'model', faults: readonly string[]): MendlineError =>
  refusal(faults.map((reason) => ({ field: `body.${part}`, reason })))

export function refusal(errors: ReadonlyArray<{ readonly field: string; readonly reason: string }>): MendlineError {
  const faults = errors.map(({ reason }) => reason)
  return new MendlineError('MDL_MODEL_INVALID', faults.join('; '), { details: { faults, errors } })
}
