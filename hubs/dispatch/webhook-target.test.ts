import { describe, expect, it } from 'vitest'
import { createTargetGuard, type TargetSettings } from './webhook-target.ts'

const strict: TargetSettings = { allowLoopback: false, allowRanges: [] }
const dev: TargetSettings = { allowLoopback: true, allowRanges: [] }
const plant: TargetSettings = { allowLoopback: false, allowRanges: ['10.1.0.0/16'] }

const verdict = (url: string, settings: TargetSettings): string => {
  try {
    createTargetGuard(settings).checkUrl(url)
    return 'ok'
  } catch (error) {
    return (error as { code: string }).code === 'MDL_HUBS_WEBHOOK_TARGET_REFUSED' ? 'no' : 'other'
  }
}

describe('checkUrl', () => {
  it.each([
    // url                                    strict dev   plant
    ['https://desk.example.com/hook', 'ok', 'ok', 'ok'],
    ['https://desk.example.com:8443/hook', 'ok', 'ok', 'ok'],
    ['http://desk.example.com/hook', 'no', 'no', 'ok'],
    ['https://8.8.8.8/', 'ok', 'ok', 'ok'],
    ['http://8.8.8.8/', 'no', 'no', 'no'],
    ['http://127.0.0.1:8080/', 'no', 'ok', 'no'],
    ['https://127.1.2.3/', 'no', 'ok', 'no'],
    ['http://2130706433/', 'no', 'ok', 'no'],
    ['http://0x7f.1/', 'no', 'ok', 'no'],
    ['http://localhost/', 'no', 'ok', 'no'],
    ['https://a.localhost/', 'no', 'ok', 'no'],
    ['http://[::1]/', 'no', 'ok', 'no'],
    ['http://[::ffff:127.0.0.1]/', 'no', 'ok', 'no'],
    ['https://[::ffff:10.0.0.1]/', 'no', 'no', 'no'],
    ['https://10.0.0.1/', 'no', 'no', 'no'],
    ['http://10.1.2.3/', 'no', 'no', 'ok'],
    ['https://172.31.0.1/', 'no', 'no', 'no'],
    ['https://192.168.1.1/', 'no', 'no', 'no'],
    ['https://100.64.0.1/', 'no', 'no', 'no'],
    ['https://169.254.169.254/latest/meta-data', 'no', 'no', 'no'],
    ['https://0.0.0.0/', 'no', 'no', 'no'],
    ['https://[fe80::1]/', 'no', 'no', 'no'],
    ['https://[fd00::1]/', 'no', 'no', 'no'],
    ['https://[64:ff9b::a00:1]/', 'no', 'no', 'no'],
    ['https://[2002:a00:1::]/', 'no', 'no', 'no'],
    ['https://[2606:4700::1111]/', 'ok', 'ok', 'ok'],
    // Other ways to write the same address: decimal, octal, hexadecimal, short, with a dot at the end, with other digits, percent-encoded.
    ['https://167772161/', 'no', 'no', 'no'],
    ['http://0177.0.0.1/', 'no', 'ok', 'no'],
    ['https://012.0.0.1/', 'no', 'no', 'no'],
    ['https://0xa9fea9fe/', 'no', 'no', 'no'],
    ['https://0xa.0x0.0x0.0x1/', 'no', 'no', 'no'],
    ['https://10.1/', 'no', 'no', 'no'],
    ['https://192.168.257/', 'no', 'no', 'no'],
    ['http://127.1/', 'no', 'ok', 'no'],
    ['https://0/', 'no', 'no', 'no'],
    ['https://10.0.0.1./', 'no', 'no', 'no'],
    ['http://localhost./', 'no', 'ok', 'no'],
    ['https://a.b.LOCALHOST./', 'no', 'ok', 'no'],
    ['https://１０.０.０.１/', 'no', 'no', 'no'],
    ['https://ⓛocalhost/', 'no', 'ok', 'no'],
    ['https://%31%30.0.0.1/', 'no', 'no', 'no'],
    ['https://8.8.8.8@10.0.0.1/', 'no', 'no', 'no'],
    ['https://10.0.0.1\\@desk.example.com/', 'no', 'no', 'no'],
    // IPv4 inside IPv6: mapped, compatible, translated, NAT64 (both prefixes), 6to4, Teredo.
    ['https://[::ffff:a00:1]/', 'no', 'no', 'no'],
    ['http://[::ffff:7f00:1]/', 'no', 'ok', 'no'],
    ['https://[0:0:0:0:0:ffff:192.168.1.1]/', 'no', 'no', 'no'],
    ['https://[::10.0.0.1]/', 'no', 'no', 'no'],
    ['https://[::ffff:0:10.0.0.1]/', 'no', 'no', 'no'],
    ['https://[64:ff9b::169.254.169.254]/', 'no', 'no', 'no'],
    ['https://[64:ff9b:1::1]/', 'no', 'no', 'no'],
    ['https://[2002:c0a8:101::1]/', 'no', 'no', 'no'],
    ['https://[2001:0:53aa:64c::1]/', 'no', 'no', 'no'],
    ['https://[::]/', 'no', 'no', 'no'],
    ['https://[fec0::1]/', 'no', 'no', 'no'],
    ['https://[ff02::1]/', 'no', 'no', 'no'],
    ['https://[2001:db8::1]/', 'no', 'no', 'no'],
    ['https://[3fff::1]/', 'no', 'no', 'no'],
    ['https://[5f00::1]/', 'no', 'no', 'no'],
    ['https://[fe80::1%25eth0]/', 'no', 'no', 'no'],
    // Further ranges that are nobody's public receiver.
    ['https://172.16.0.1/', 'no', 'no', 'no'],
    ['https://172.32.0.1/', 'ok', 'ok', 'ok'],
    ['https://100.128.0.1/', 'ok', 'ok', 'ok'],
    ['https://192.0.0.170/', 'no', 'no', 'no'],
    ['https://198.18.0.1/', 'no', 'no', 'no'],
    ['https://203.0.113.5/', 'no', 'no', 'no'],
    ['https://224.0.0.1/', 'no', 'no', 'no'],
    ['https://255.255.255.255/', 'no', 'no', 'no'],
    ['https://10.2.0.1/', 'no', 'no', 'no'],
    ['https://10.1.255.255/', 'no', 'no', 'ok'],
    ['https://[::ffff:10.1.2.3]/', 'no', 'no', 'ok'],
    ['gopher://127.0.0.1/', 'no', 'no', 'no'],
    ['data:text/plain,x', 'no', 'no', 'no'],
    ['https://user:pass@desk.example.com/', 'no', 'no', 'no'],
    ['ftp://desk.example.com/', 'no', 'no', 'no'],
    ['file:///etc/passwd', 'no', 'no', 'no'],
    ['not a url', 'no', 'no', 'no'],
    [`https://desk.example.com/${'x'.repeat(2_000)}`, 'no', 'no', 'no'],
  ])('%s: strict %s, loopback allowed %s, range allowed %s', (url, ...expected) => {
    expect([strict, dev, plant].map((settings) => verdict(url, settings))).toEqual(expected)
  })

  it('refuses a range that is none', () => {
    expect(() => createTargetGuard({ allowLoopback: false, allowRanges: ['10.0.0.0'] })).toThrow(
      expect.objectContaining({ code: 'MDL_CONFIG_INVALID' }),
    )
  })
})

describe('lookup', () => {
  const look = (addresses: readonly string[], all: boolean) =>
    new Promise<unknown>((resolve) => {
      const guard = createTargetGuard(strict, (_name, done) =>
        done(
          null,
          addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
        ),
      )
      guard.lookup('desk.example.com', { all }, (error, address) => resolve(error === null ? address : (error as { code?: string }).code))
    })

  it('gives the checked addresses to the socket', async () => {
    expect(await look(['8.8.8.8'], false)).toBe('8.8.8.8')
    expect(await look(['8.8.8.8', '2606:4700::1111'], true)).toHaveLength(2)
  })

  it('lets plain http to a name only when every address is in an allowed range', async () => {
    const lookPlain = (address: string) =>
      new Promise<unknown>((resolve) => {
        const guard = createTargetGuard(plant, (_name, done) => done(null, [{ address, family: 4 }]))
        guard.plainLookup('desk.example.com', {}, (error, found) => resolve(error === null ? found : (error as { code?: string }).code))
      })
    expect(await lookPlain('10.1.2.3')).toBe('10.1.2.3')
    expect(await lookPlain('8.8.8.8')).toBe('MDL_HUBS_WEBHOOK_TARGET_REFUSED')
  })

  it('refuses a name as soon as one of its addresses is private, or it has none', async () => {
    expect(await look(['8.8.8.8', '10.0.0.1'], true)).toBe('MDL_HUBS_WEBHOOK_TARGET_REFUSED')
    expect(await look(['::1'], false)).toBe('MDL_HUBS_WEBHOOK_TARGET_REFUSED')
    expect(await look([], false)).toBe('MDL_HUBS_WEBHOOK_TARGET_REFUSED')
  })
})
