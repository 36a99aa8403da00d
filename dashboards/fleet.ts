/** The board of a fleet: how the units stand now, which need somebody first, who is silent, and what was found in the span of the board. */

import { PanelBuilder as BarChart } from '@grafana/grafana-foundation-sdk/barchart'
import {
  BigValueColorMode,
  GraphDrawStyle,
  ReduceDataOptionsBuilder,
  StackingConfigBuilder,
  StackingMode,
} from '@grafana/grafana-foundation-sdk/common'
import {
  type Dashboard,
  DashboardBuilder,
  DashboardLinkBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { PanelBuilder as Stat } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as Table } from '@grafana/grafana-foundation-sdk/table'
import { PanelBuilder as TimeSeries } from '@grafana/grafana-foundation-sdk/timeseries'
import { choice, MENDLINE, number, rows, SPAN, text, time } from './infinity.ts'

export const FLEET_UID = 'mendline-fleet'
export const APPLIANCE_UID = 'mendline-appliance'

const STATE_COLOURS: Readonly<Record<string, string>> = {
  danger: 'dark-red',
  fault: 'orange',
  alarm: 'yellow',
  silent: 'blue',
  not_enough_data: 'gray',
  ok: 'green',
  never_heard: 'light-gray',
}
/** Colours of the safety classes, the gravest darkest. */
const CLASS_COLOURS = { E0: 'dark-red', E1: 'red', E2: 'orange', E3: 'yellow', E4: 'blue' } as const

const colour = (fixedColor: string) => ({ id: 'color', value: { mode: 'fixed', fixedColor } })
const aged = (unit: string) => ({ id: 'unit', value: unit })

export function fleetBoard(): Dashboard {
  return new DashboardBuilder('Mendline: fleet health')
    .uid(FLEET_UID)
    .description('How the units of a fleet stand, which need somebody first, and what was found. Made by `node dashboards/generate.ts`.')
    .tags(['mendline'])
    .time({ from: 'now-30d', to: 'now' })
    .refresh('1m')
    .readonly()
    .withVariable(choice('type', 'Type', { path: 'types', value: 'type', shown: 'name' }).includeAll(true).allValue('*'))
    .link(new DashboardLinkBuilder('One appliance').url(`/d/${APPLIANCE_UID}`).keepTime(true))
    .withPanel(states())
    .withPanel(byState('Need somebody', 'danger,fault'))
    .withPanel(lag())
    .withPanel(worst())
    .withPanel(alarms())
    .withPanel(faults())
    .withPanel(diagnoses())
    .withPanel(silent())
    .build()
}

const states = () =>
  new BarChart()
    .title('Units by type and state')
    .description('Each unit counts once, in the gravest state that holds.')
    .datasource(MENDLINE)
    .height(8)
    .span(12)
    .withTarget(rows('fleet?type=${type}', [text('type', 'Type'), text('state', 'State'), number('units', 'Units')]))
    .withTransformation({ id: 'groupingToMatrix', options: { columnField: 'State', rowField: 'Type', valueField: 'Units', emptyValue: 'zero' } })
    .stacking(StackingMode.Normal)
    .overrides(Object.entries(STATE_COLOURS).map(([state, fixed]) => ({ matcher: { id: 'byName', options: state }, properties: [colour(fixed)] })))

const byState = (title: string, state: string) =>
  new Stat()
    .title(title)
    .description('Units in danger or with a diagnosed fault now; at most 1,000 are counted here.')
    .datasource(MENDLINE)
    .height(8)
    .span(6)
    .withTarget(rows(`units?type=\${type}&state=${state}&limit=1000`, [text('device', 'Device'), number('alarms', 'Alarms')]))
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['count']).fields('/^Device$/'))
    .noValue('0')
    .colorMode(BigValueColorMode.Value)
    .thresholds(
      new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([
        { value: null, color: 'green' },
        { value: 1, color: 'orange' },
      ]),
    )

const lag = () =>
  new Stat()
    .title('Ingest lag')
    .description('Age of the last stored message while acknowledged ones wait; 0 when nothing waits.')
    .datasource(MENDLINE)
    .height(8)
    .span(6)
    .withTarget(rows('ingest', [time('t', 'Time'), number('lag_ms', 'Lag'), number('lag_bytes', 'Waiting')]))
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).fields('/^(Lag|Waiting)$/'))
    .overrideByName('Lag', [{ id: 'unit', value: 'ms' }])
    .overrideByName('Waiting', [{ id: 'unit', value: 'bytes' }])

const UNIT_COLUMNS = [
  text('device', 'Device'),
  text('type', 'Type'),
  text('state', 'State'),
  text('safety_class', 'Class'),
  text('fault_name', 'Fault'),
  number('alarms', 'Alarms'),
  time('since_ms', 'Since'),
  text('batch', 'Batch'),
  text('firmware', 'Firmware'),
  time('heard_at_ms', 'Last heard'),
]

const toAppliance = () =>
  [
    {
      id: 'links',
      value: [{ title: 'Show this appliance', url: `/d/${APPLIANCE_UID}?var-device=\${__value.raw}&from=\${__from}&to=\${__to}` }],
    },
  ] as const

const worst = () =>
  new Table()
    .title('Worst units')
    .description('The gravest first: danger, diagnosed fault, standing alarm; within a class what has stood longest.')
    .datasource(MENDLINE)
    .height(10)
    .span(24)
    .withTarget(rows('units?type=${type}&state=danger,fault,alarm&limit=20', UNIT_COLUMNS))
    .overrideByName('Device', [...toAppliance()])

const alarms = () =>
  new TimeSeries()
    .title('Alarms by safety class')
    .description('Alarms raised, by device time, of all types.')
    .datasource(MENDLINE)
    .height(8)
    .span(12)
    .withTarget(
      rows(`alarms-over-time?max_points=60&${SPAN}`, [
        time('t', 'Time'),
        ...Object.keys(CLASS_COLOURS).map((name) => number(name.toLowerCase(), name)),
      ]),
    )
    .drawStyle(GraphDrawStyle.Bars)
    .fillOpacity(80)
    .stacking(new StackingConfigBuilder().mode(StackingMode.Normal))
    .overrides(Object.entries(CLASS_COLOURS).map(([name, fixed]) => ({ matcher: { id: 'byName', options: name }, properties: [colour(fixed)] })))

const faults = () =>
  new Table()
    .title('Diagnosed faults')
    .datasource(MENDLINE)
    .height(8)
    .span(12)
    .withTarget(
      rows(`faults?limit=50&${SPAN}`, [
        text('fault', 'Code'),
        text('fault_name', 'Fault'),
        number('units', 'Units'),
        number('diagnoses', 'Diagnoses'),
        time('last_ms', 'Last'),
      ]),
    )

const diagnoses = () =>
  new Table()
    .title('Last diagnoses')
    .datasource(MENDLINE)
    .height(10)
    .span(14)
    .withTarget(
      rows(`diagnoses?limit=50&${SPAN}`, [
        time('t', 'Time'),
        text('device', 'Device'),
        text('safety_class', 'Class'),
        text('fault_name', 'Fault'),
        number('probability', 'Probability'),
        text('next_question', 'Ask next'),
      ]),
    )
    .overrideByName('Device', [...toAppliance()])
    .overrideByName('Probability', [aged('percentunit')])

const silent = () =>
  new Table()
    .title('Silent units')
    .description('Heard before, but not for a while; those never heard come last.')
    .datasource(MENDLINE)
    .height(10)
    .span(10)
    .withTarget(
      rows('units?type=${type}&state=silent,never_heard&limit=50', [
        text('device', 'Device'),
        text('type', 'Type'),
        text('state', 'State'),
        time('heard_at_ms', 'Last heard'),
        number('silent_ms', 'Silent for'),
      ]),
    )
    .overrideByName('Device', [...toAppliance()])
    .overrideByName('Silent for', [aged('dtdurationms')])
