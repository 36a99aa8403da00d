// The plain page: live counts, emergencies, devices with their latest diagnosis, one chart, work orders with evidence. Everything comes from the
// public API under /api/v1 with the key typed in (`dev` in development mode). Text goes in by textContent only.
const REFRESH_MS = 5000
const PAGE = 200
const byId = (id) => document.getElementById(id)
const state = { key: sessionStorage.getItem('mendline-key') ?? 'dev', device: undefined, types: new Map(), devices: [], next: null, diagnoses: new Map(), nowMs: Date.now(), openOrders: new Set() }

class Refused extends Error {}

async function api(path) {
  const response = await fetch(`/api/v1${path}`, { headers: { authorization: `Bearer ${state.key}` } })
  if (response.ok) return response.json()
  const problem = await response.json().catch(() => ({}))
  if (response.status === 401) throw new Refused('This key is not accepted. Type an API key above (mendline init shows the first one).')
  throw new Error(problem.detail || problem.title || `The server answered ${response.status}.`)
}

function element(name, attributes = {}, ...children) {
  const node = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) key.startsWith('on') ? node.addEventListener(key.slice(2), value) : node.setAttribute(key, value)
  node.append(...children.filter((child) => child !== undefined && child !== null))
  return node
}
const quiet = (text) => element('p', { class: 'quiet' }, text)
const number = (value) => value.toLocaleString(undefined, { maximumFractionDigits: Math.abs(value) < 10 ? 2 : 1 })
const time = (ms) => new Date(ms).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })
const percent = (ratio) => `${Math.round(ratio * 100)} %`

function say(error) {
  const message = byId('message')
  message.hidden = error === undefined
  message.textContent = error === undefined ? '' : error instanceof TypeError ? 'The server does not answer; trying again.' : error.message
}

function showCounts({ now_ms, counts }) {
  state.nowMs = counts.simulated_now_ms ?? now_ms
  byId('clock').textContent = counts.simulated_now_ms === undefined ? time(now_ms) : `simulated time ${time(counts.simulated_now_ms)}`
  const shown = Object.entries(counts).filter(([name]) => name !== 'simulated_now_ms')
  byId('counts').replaceChildren(...shown.map(([name, value]) => element('div', {}, element('dt', {}, name.replaceAll('_', ' ')), element('dd', {}, number(value)))))
  if (shown.length === 0) byId('counts').replaceChildren(quiet('Nothing counted yet.'))
}

const words = (name) => name.replaceAll('_', ' ')

// Units whose latest diagnosis is a fault first, the newest before; then the others by name.
function shownDevices() {
  const chosen = byId('type').value
  const told = ({ device }) => (state.diagnoses.get(device)?.answer === 'fault' ? state.diagnoses.get(device).made_at_ms : 0)
  return state.devices.filter((record) => chosen === '' || record.type === chosen).toSorted((a, b) => told(b) - told(a) || (a.device < b.device ? -1 : 1))
}

function showTypes() {
  const select = byId('type')
  const counts = new Map()
  for (const record of state.devices) counts.set(record.type, (counts.get(record.type) ?? 0) + 1)
  if (select.options.length === counts.size + 1) return
  const before = select.value
  select.replaceChildren(element('option', { value: '' }, 'All types'), ...[...counts].sort().map(([type, units]) => element('option', { value: type }, `${words(type)} (${units})`)))
  if (counts.has(before)) select.value = before
}

function showEmergencies(emergencies) {
  if (emergencies.length === 0) return byId('emergencies').replaceChildren(quiet('None.'))
  byId('emergencies').replaceChildren(
    ...emergencies.map((emergency) => {
      const heading = element('summary', {}, element('span', { class: emergency.safety_class }, emergency.safety_class), ` ${emergency.device} ${words(emergency.type)}: ${emergency.title} · ${time(emergency.raised_at_ms)}`)
      return element('details', {}, heading, element('p', {}, emergency.advice), element('p', { class: 'quiet' }, emergency.command_state === null ? 'No safe-state command is owed: it is over.' : `Safe-state command: ${words(emergency.command_state)}`))
    }),
  )
}

function showDevices() {
  showTypes()
  byId('more').hidden = state.next === null
  if (state.devices.length === 0) return byId('devices').replaceChildren(quiet('No devices yet. POST /api/v1/devices creates one.'))
  const rows = shownDevices().map((record) => {
    const diagnosis = state.diagnoses.get(record.device)
    const choose = element('button', { type: 'button', onclick: () => selectDevice(record) }, record.device)
    const found = diagnosis === undefined ? '–' : `${diagnosis.fault_name || words(diagnosis.answer)} ${percent(diagnosis.probability)}`
    const selected = String(state.device?.device === record.device)
    return element('tr', { 'aria-selected': selected }, element('td', {}, choose), element('td', { class: 'wide' }, words(record.type)), element('td', {}, found))
  })
  const head = element('thead', {}, element('tr', {}, element('th', {}, 'Device'), element('th', { class: 'wide' }, 'Type'), element('th', {}, 'Latest diagnosis')))
  byId('devices').replaceChildren(element('table', {}, head, element('tbody', {}, ...rows)))
}

const sign = (evidence) => {
  const seen = evidence.observed === null ? '' : ` ${number(evidence.observed)} ${unitLabel(evidence.unit)}`.trimEnd()
  const wanted = evidence.expected === null ? '' : `, expected ${number(evidence.expected)}`
  return `${evidence.text}:${seen}${wanted}`
}

// Names of units as people write them; the others are written as they are.
const UNIT_LABELS = { k: 'K', c: '°C', ratio: '', none: '', a: 'A', w: 'W', v: 'V', hz: 'Hz', pct: '%', ma: 'mA', count: '' }
const unitLabel = (unit) => UNIT_LABELS[unit] ?? unit

function showOrders(orders) {
  if (state.openOrders.size === 0 && !state.hasShownOrders && orders.length > 0) state.openOrders.add(orders[0].work_order_id)
  state.hasShownOrders ||= orders.length > 0
  if (orders.length === 0) return byId('orders').replaceChildren(quiet('No work orders yet.'))
  byId('orders').replaceChildren(
    ...orders.map((order) => {
      const { packet } = order
      const heading = element('summary', {}, element('span', { class: order.safety_class }, order.safety_class), ` ${order.device} ${words(order.type)}: ${packet.fault_name || order.fault || 'unknown fault'} · ${words(order.state)} · ${time(order.opened_at_ms)}`)
      const list = (title, lines) => (lines.length === 0 ? undefined : element('div', {}, title, element('ul', {}, ...lines.map((line) => element('li', {}, line)))))
      const details = element('details', {}, heading,
        element('p', { class: 'quiet' }, `${percent(packet.probability)}. ${packet.customer_sees}`),
        list('Evidence for', packet.evidence_for.map(sign)), list('Evidence against', packet.evidence_against.map(sign)),
        list('Parts', packet.parts.map((part) => `${part.quantity} × ${part.name}, ${percent(part.probability)}`)), list('Steps', packet.steps.map((step) => `${step.text} (${step.minutes} min)`)))
      details.open = state.openOrders.has(order.work_order_id)
      details.addEventListener('toggle', () => state.openOrders[details.open ? 'add' : 'delete'](order.work_order_id))
      return details
    }),
  )
}

function selectDevice(record) {
  state.device = record
  const type = state.types.get(record.type)
  const channels = (type?.channels ?? []).filter((channel) => channel.kind !== 'text')
  const select = byId('channel')
  const before = select.value
  select.replaceChildren(...channels.map((channel) => element('option', { value: channel.name }, channel.label === '' ? channel.name : `${channel.name} (${channel.label})`)))
  if (channels.some((channel) => channel.name === before)) select.value = before
  select.disabled = channels.length === 0
  byId('chart-title').textContent = `Readings of ${record.device}, ${words(record.type)}`
  showDevices()
  drawChart()
}

async function drawChart() {
  const { device } = state
  const channel = byId('channel').value
  if (device === undefined || channel === '') return
  const chart = byId('chart')
  if (chart.querySelector('svg') === null) chart.replaceChildren(quiet('Loading …'))
  const to = Math.ceil(state.nowMs)
  const span = Number(byId('span').value)
  try {
    const query = new URLSearchParams({ device: device.device, channels: channel, from_ms: Math.max(0, to - span), to_ms: to + 1, max_points: 400 })
    const { items } = await api(`/readings?${query}`)
    if (state.device !== device || byId('channel').value !== channel) return
    chart.replaceChildren(items.length === 0 ? quiet('No readings in this span.') : draw(items, to - span, to, channel))
  } catch (error) {
    chart.replaceChildren(quiet(error.message))
  }
}

const SVG = 'http://www.w3.org/2000/svg'
function svg(name, attributes, text) {
  const node = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value)
  if (text !== undefined) node.textContent = text
  return node
}

function draw(buckets, from, to, channel) {
  const [width, height, left, bottom] = [640, 260, 52, 24]
  let low = Math.min(...buckets.map((bucket) => bucket.min))
  let high = Math.max(...buckets.map((bucket) => bucket.max))
  if (low === high) [low, high] = [low - 1, high + 1]
  const x = (t) => left + ((t - from) / (to - from)) * (width - left - 6)
  const y = (value) => 8 + (1 - (value - low) / (high - low)) * (height - bottom - 16)
  const root = svg('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `${channel} from ${number(low)} to ${number(high)}` })
  for (const value of [low, (low + high) / 2, high]) {
    root.append(svg('line', { class: 'axis', x1: left, x2: width, y1: y(value), y2: y(value) }), svg('text', { class: 'tick', x: left - 6, y: y(value) + 4, 'text-anchor': 'end' }, number(value)))
  }
  const label = (t) => new Date(t).toLocaleString(undefined, to - from > 172800000 ? { month: 'short', day: 'numeric' } : { hour: '2-digit', minute: '2-digit' })
  for (const [at, anchor] of [[from, 'start'], [(from + to) / 2, 'middle'], [to, 'end']]) root.append(svg('text', { class: 'tick', x: x(at), y: height - 4, 'text-anchor': anchor }, label(at)))
  // A pause longer than three usual steps is drawn as a gap: nobody knows what was in between.
  const steps = buckets.slice(1).map((bucket, index) => bucket.t - buckets[index].t).sort((a, b) => a - b)
  const usual = steps[Math.floor(steps.length / 2)] ?? 0
  const runs = []
  buckets.forEach((bucket, index) => (index > 0 && bucket.t - buckets[index - 1].t <= 3 * usual ? runs.at(-1).push(bucket) : runs.push([bucket])))
  for (const run of runs) {
    const band = [...run.map((b) => `${x(b.t)},${y(b.max)}`), ...run.toReversed().map((b) => `${x(b.t)},${y(b.min)}`)]
    root.append(svg('polygon', { class: 'band', points: band.join(' ') }), svg('polyline', { class: 'line', points: run.map((b) => `${x(b.t)},${y(b.mean)}`).join(' ') }))
    if (run.length === 1) root.append(svg('circle', { class: 'band', cx: x(run[0].t), cy: y(run[0].mean), r: 2 }))
  }
  return root
}

async function loadDevices(cursor) {
  const page = await api(`/devices?limit=${PAGE}${cursor ? `&cursor=${cursor}` : ''}`)
  state.devices = cursor ? [...state.devices, ...page.items] : page.items
  state.next = page.next
}

async function refresh() {
  try {
    if (state.types.size === 0) state.types = new Map((await api('/types')).items.map((type) => [type.type, type]))
    const paths = ['/status', '/diagnoses?limit=200', '/diagnoses?answer=fault&limit=100', '/work-orders?limit=30', '/emergencies?limit=10']
    const [status, diagnoses, faults, orders, emergencies] = await Promise.all(paths.map(api))
    showCounts(status)
    for (const diagnosis of [...faults.items, ...diagnoses.items]) {
      if ((state.diagnoses.get(diagnosis.device)?.made_at_ms ?? 0) < diagnosis.made_at_ms) state.diagnoses.set(diagnosis.device, diagnosis)
    }
    showOrders(orders.items)
    if (state.devices.length <= PAGE) await loadDevices()
    showDevices()
    showEmergencies(emergencies.items)
    if (state.device === undefined && state.devices.length > 0) {
      const told = orders.items.map((order) => state.devices.find((record) => record.device === order.device)).find((record) => record !== undefined)
      selectDevice(told ?? state.devices[0])
    } else await drawChart()
    say()
  } catch (error) {
    say(error)
    if (error instanceof Refused) for (const id of ['counts', 'orders', 'devices', 'emergencies']) byId(id).replaceChildren(quiet('–'))
  }
}

byId('key').addEventListener('change', (event) => {
  state.key = event.target.value.trim() || 'dev'
  sessionStorage.setItem('mendline-key', state.key)
  state.types.clear()
  state.devices = []
  state.device = undefined
  void refresh()
})
byId('channel').addEventListener('change', drawChart)
byId('type').addEventListener('change', showDevices)
byId('span').addEventListener('change', drawChart)
byId('more').addEventListener('click', () => loadDevices(state.next).then(showDevices, say))
const loop = async () => {
  if (!document.hidden) await refresh()
  setTimeout(loop, REFRESH_MS)
}
void loop()
