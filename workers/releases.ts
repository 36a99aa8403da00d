/** Lets go of the journal up to where the slowest of its consumers no longer needs it. */
import type { Log } from '#kernel/log.ts'

export interface Releases<Consumer extends string> {
  /** `consumer` no longer needs what lies before `position`. */
  done(consumer: Consumer, position: number): void
  /** Keeps everything until the answer is called: a backup reads it. */
  hold(): () => void
}

export function createReleases<Consumer extends string>(options: {
  readonly consumers: readonly Consumer[]
  readonly release: (position: number) => Promise<void>
  readonly log: Log
}): Releases<Consumer> {
  const positions = new Map<Consumer, number>(options.consumers.map((consumer) => [consumer, 0]))
  let released = 0
  let holders = 0
  const release = (): void => {
    const least = Math.min(...positions.values())
    if (least <= released || holders > 0) return
    released = least
    options.release(least).catch((cause: unknown) => options.log.error('journal was not released', { position: least, cause: String(cause) }))
  }
  return {
    done(consumer, position) {
      positions.set(consumer, position)
      release()
    },
    hold() {
      holders++
      let isHeld = true
      return () => {
        if (!isHeld) return
        isHeld = false
        holders--
        release()
      }
    },
  }
}
