/** The contract of a model runtime; every adapter runs it over a model that gives the softmax of three features. */
import { afterEach, describe, expect, it } from 'vitest'
import { limits } from '#kernel/limits.ts'
import type { ModelRuntime } from './model-runtime.ts'

/** Softmax over [row, 3], made by onnx.helper (opset 17): 130 bytes. */
export const SOFTMAX_ONNX = Buffer.from(
  'CAg6cwovCghmZWF0dXJlcxINcHJvYmFiaWxpdGllcyIHU29mdG1heCoLCgRheGlzGAGgAQISAWdaGwoIZmVhdHVyZXMSDwoNCAESCQoDEgFOCgIIA2IgCg1wcm9iYWJpbGl0aWVzEg8KDQgBEgkKAxIBTgoCCANCBAoAEBE=',
  'base64',
)
export const SOFTMAX_CONTRACT = { inputName: 'features', outputName: 'probabilities', featureCount: 3, classCount: 3 } as const

export function softmaxOf(row: ArrayLike<number>): number[] {
  const powers = Array.from(row, Math.exp)
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}

export function describeModelRuntime(name: string, create: () => ModelRuntime): void {
  describe(`model runtime: ${name}`, () => {
    let runtime: ModelRuntime | undefined
    const started = async () => {
      runtime = create()
      await runtime.start()
      return runtime
    }
    afterEach(() => runtime?.stop())

    it('gives the scores of each row, row-major', async () => {
      const scores = await (await started()).run(Float32Array.of(1, 2, 3, 0, 0, 0), 2)
      expect(scores).toHaveLength(6)
      const expected = [...softmaxOf([1, 2, 3]), ...softmaxOf([0, 0, 0])]
      expected.forEach((value, index) => {
        expect(scores[index]).toBeCloseTo(value, 5)
      })
    })

    it('says the same of a row alone and in a full batch', async () => {
      const ready = await started()
      const rows = Float32Array.from({ length: limits.inferenceBatch_MAX * 3 }, (_, index) => Math.sin(index))
      const together = await ready.run(rows, limits.inferenceBatch_MAX)
      const alone = await ready.run(rows.slice(15, 18), 1)
      expect([...alone]).toEqual([...together.slice(15, 18)])
    })

    it('answers calls that overlap, each with its own rows', async () => {
      const ready = await started()
      const answers = await Promise.all([1, 2, 3, 4].map((value) => ready.run(Float32Array.of(value, 0, 0), 1)))
      answers.forEach((scores, index) => {
        expect(scores[0]).toBeCloseTo(softmaxOf([index + 1, 0, 0])[0] ?? 0, 5)
      })
    })

    it.each([
      ['no row', 0, 0],
      ['more rows than a batch may have', limits.inferenceBatch_MAX + 1, (limits.inferenceBatch_MAX + 1) * 3],
      ['a row that is too short', 1, 2],
    ])('stops on %s, which is a bug of the caller', async (_, rowCount, length) => {
      const ready = await started()
      await expect((async () => ready.run(new Float32Array(length), rowCount))()).rejects.toThrow(/batch/)
    })

    it('refuses after stop, stops twice, and starts again', async () => {
      const ready = await started()
      await ready.stop()
      await ready.stop()
      await expect(ready.run(Float32Array.of(1, 2, 3), 1)).rejects.toMatchObject({ code: 'MDL_MODEL_TIMEOUT' })
      await ready.start()
      expect(await ready.run(Float32Array.of(1, 2, 3), 1)).toHaveLength(3)
    })
  })
}
