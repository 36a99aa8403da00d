import { describe, expect, it } from 'vitest'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { ModelQueue } from './model-queue.ts'

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('ModelQueue', () => {
  it('diagnoses no further while what it found is not handed on', async () => {
    const diagnosed: number[] = []
    const handOn: Array<() => void> = []
    const queue = new ModelQueue<number>({
      diagnose: async (entries) => {
        const windows = entries.filter((entry) => typeof entry === 'number')
        diagnosed.push(...windows)
        return windows.map((window) => ({ diagnosis_id: String(window) }) as Diagnosis)
      },
      onDiagnoses: () => new Promise((resolve) => handOn.push(resolve)),
      log: silentLog,
      limits: { ...limits, inferenceBatch_MAX: 1, windowsPending_MAX: 3 },
    })
    queue.add([1])
    const running = queue.run()
    await settle()
    queue.add([2, 3, 4, 5])
    await settle()
    expect(diagnosed).toEqual([1])
    expect(queue.statistics()).toMatchObject({ windowsPending: 3, windowsDropped: 1 })
    handOn[0]?.()
    await settle()
    expect(diagnosed).toEqual([1, 3])
    queue.stop()
    handOn[1]?.()
    await running
  })
})
