/**
 * The channel names of a type as bytes. A device sends its channels in the same order each time, so the name that followed the last
 * one before is tried first; another one is found by its hash. Answers are numbers, so that nothing is made for a name.
 */

const QUOTE = 0x22

/** No channel has the name that stands there. */
export const NO_CHANNEL = -1

export class ScanNames {
  readonly #bytes: readonly Uint8Array[]
  readonly #byHash = new Map<number, readonly number[]>()
  /** Channel that came after channel i last time; the last place is for the begin of a reading. */
  readonly #follower: Int32Array
  readonly #length_MAX: number

  constructor(names: readonly string[]) {
    this.#bytes = names.map((name) => new TextEncoder().encode(name))
    this.#follower = new Int32Array(names.length + 1)
    this.#length_MAX = this.#bytes.reduce((most, { length }) => Math.max(most, length), 0)
    this.#bytes.forEach((bytes, channel) => {
      const hash = hashOf(bytes, 0, bytes.length)
      this.#byHash.set(hash, [...(this.#byHash.get(hash) ?? []), channel])
    })
  }

  /** Channel whose name and closing quote stand at `from`; `previous` is the channel before it in this reading, or NO_CHANNEL. */
  at(bytes: Uint8Array, from: number, previous: number): number {
    const place = previous < 0 ? this.#bytes.length : previous
    const expected = this.#follower[place] ?? 0
    if (this.#stands(expected, bytes, from)) return expected
    // A name that is longer than every channel's is none: whoever sends it does not make us look for its end.
    let end = from
    while (bytes[end] !== QUOTE) if (end++ - from > this.#length_MAX) return NO_CHANNEL
    const channel = this.#byHash.get(hashOf(bytes, from, end))?.find((candidate) => this.#stands(candidate, bytes, from)) ?? NO_CHANNEL
    if (channel >= 0) this.#follower[place] = channel
    return channel
  }

  /** Bytes of a channel's name. */
  lengthOf(channel: number): number {
    return this.#bytes[channel]?.length ?? 0
  }

  #stands(channel: number, bytes: Uint8Array, from: number): boolean {
    const name = this.#bytes[channel]
    if (name === undefined) return false
    const length = name.length
    if (bytes[from + length] !== QUOTE) return false
    // From its end: names of one device differ less in front.
    for (let at = length - 1; at >= 0; at--) if (name[at] !== bytes[from + at]) return false
    return true
  }
}

function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = to - from
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x0100_0193)
  return hash
}
