/** Measures CRC32C (slice-by-8 in TypeScript) against zlib.crc32 for record sizes of the journal; prints the figures of decision 0004. */
import { crc32 } from 'node:zlib'

const TABLES = Array.from({ length: 8 }, () => new Int32Array(256))
for (let byte = 0; byte < 256; byte++) {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? (value >>> 1) ^ 0x82f6_3b78 : value >>> 1
  at(0)[byte] = value
}
for (let byte = 0; byte < 256; byte++) {
  for (let slice = 1; slice < 8; slice++) at(slice)[byte] = (value(slice - 1, byte) >>> 8) ^ value(0, value(slice - 1, byte) & 255)
}

function at(slice: number): Int32Array {
  return TABLES[slice] ?? new Int32Array(256)
}
function value(slice: number, byte: number): number {
  return at(slice)[byte] ?? 0
}

const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES as [Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array]

function crc32c(bytes: Uint8Array): number {
  const b = bytes as unknown as number[]
  const t = [T0, T1, T2, T3, T4, T5, T6, T7] as unknown as number[][]
  const [t0, t1, t2, t3, t4, t5, t6, t7] = t as [number[], number[], number[], number[], number[], number[], number[], number[]]
  const get = (table: number[], index: number): number => table[index] as number
  let crc = -1
  let index = 0
  for (const last = bytes.length - (bytes.length & 7); index < last; index += 8) {
    const x = crc ^ (get(b, index) | (get(b, index + 1) << 8) | (get(b, index + 2) << 16) | (get(b, index + 3) << 24))
    crc =
      get(t7, x & 255) ^
      get(t6, (x >>> 8) & 255) ^
      get(t5, (x >>> 16) & 255) ^
      get(t4, x >>> 24) ^
      get(t3, get(b, index + 4)) ^
      get(t2, get(b, index + 5)) ^
      get(t1, get(b, index + 6)) ^
      get(t0, get(b, index + 7))
  }
  for (; index < bytes.length; index++) crc = (crc >>> 8) ^ get(t0, (crc ^ get(b, index)) & 255)
  return ~crc >>> 0
}

if (crc32c(Buffer.from('123456789')) !== 0xe306_9283) throw new Error('crc32c is wrong')
const rows = [64, 320, 4096, 65_536].map((bytes) => {
  const data = Buffer.alloc(bytes)
  for (let index = 0; index < bytes; index++) data[index] = index * 31
  return { bytes, crc32c_ns: nsPerCall(() => crc32c(data), bytes), zlib_crc32_ns: nsPerCall(() => crc32(data), bytes) }
})
console.table(rows)
console.log(JSON.stringify({ bench: 'checksum', rows }))

/** Best of three runs over about 200 MB or half a million calls. */
function nsPerCall(call: () => number, bytes: number): number {
  const calls = Math.min(500_000, Math.ceil(2e8 / bytes))
  let best = Number.POSITIVE_INFINITY
  for (let run = 0; run < 3; run++) {
    const start = performance.now()
    for (let index = 0; index < calls; index++) call()
    best = Math.min(best, ((performance.now() - start) * 1e6) / calls)
  }
  return Math.round(best)
}
