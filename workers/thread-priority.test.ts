import { getPriority } from 'node:os'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'

/** Calls `standBack` in a thread of its own, and gives what it said and the thread's nice value. */
function inThread(): Promise<{ readonly isDone: boolean; readonly nice: number }> {
  const module = JSON.stringify(new URL('./thread-priority.ts', import.meta.url).href)
  const code = `import(${module}).then(({ standBack }) => {
    const isDone = standBack()
    require('node:worker_threads').parentPort.postMessage({ isDone, nice: require('node:os').getPriority(0) })
  })`
  return new Promise((resolve, reject) => {
    const worker = new Worker(code, { eval: true })
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}

describe.runIf(process.platform === 'linux')('standBack', () => {
  it('puts its own thread behind the others and leaves them where they were', async () => {
    const before = getPriority(0)
    const { isDone, nice } = await inThread()
    expect(isDone).toBe(true)
    expect(nice).toBe(Math.min(before + 5, 19))
    expect(getPriority(0)).toBe(before)
  })
})
