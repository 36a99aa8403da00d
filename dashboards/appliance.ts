/**
 * The board of one appliance: its features against what a unit without fault would have shown, residuals, readings with their extremes,
 * and on every time axis the alarms, diagnoses, states of channels and gaps.
 */
import { GraphDrawStyle, LineStyleBuilder, VisibilityMode } from '@grafana/grafana-foundation-sdk/common'
import { type Dashboard, DashboardBuilder, DashboardLinkBuilder } from '@grafana/grafana-foundation-sdk/dashboard'
import { PanelBuilder as Table } from '@grafana/grafana-foundation-sdk/table'
import { PanelBuilder as TimeSeries } from '@grafana/grafana-foundation-sdk/timeseries'
import { APPLIANCE_UID, FLEET_UID } from './fleet.ts'
import { choice, MENDLINE, marks, number, rows, SPAN, text, time } from './infinity.ts'

const DEVICE = 'device=${device}'

export function applianceBoard(): Dashboard {
  return new DashboardBuilder('Mendline: one appliance')
    .uid(APPLIANCE_UID)
    .description('Readings and features of one appliance against its reference. Made by `node dashboards/generate.ts`.')
    .tags(['mendline'])
    .time({ from: 'now-14d', to: 'now' })
    .refresh('1m')
    .readonly()
    .withVariable(choice('device', 'Device', { path: 'devices', value: 'device', shown: 'text' }))
    .withVariable(
      choice('feature', 'Feature', { path: `features?${DEVICE}`, value: 'feature' })
        .multi(true)
        .includeAll(true),
    )
    .withVariable(
      choice('channel', 'Channel', { path: `channels?${DEVICE}`, value: 'channel' })
        .multi(true)
        .includeAll(true),
    )
    .annotation(marks('Alarms', 'alarm', 'red'))
    .annotation(marks('Diagnoses', 'diagnosis', 'orange'))
    .annotation(marks('Channel states', 'channel_state', 'purple'))
    .annotation(marks('Gaps', 'gap', 'gray'))
    .link(new DashboardLinkBuilder('Fleet').url(`/d/${FLEET_UID}`).keepTime(true))
    .withPanel(residuals())
    .withPanel(found())
    .withPanel(feature())
    .withPanel(reading())
    .build()
}

const residuals = () =>
  new TimeSeries()
    .title('Residuals of ${device}')
    .description('Observed less expected, over the spread of units without fault; beyond 3 a window stands out. One line a feature.')
    .datasource(MENDLINE)
    .height(9)
    .span(14)
    .withTarget(rows(`residuals?${DEVICE}&max_points=300&${SPAN}`, [time('t', 'Time'), text('feature', 'Feature'), number('z_score', 'z')]))
    .withTransformation({ id: 'prepareTimeSeries', options: { format: 'multi' } })
    .displayName('${__field.labels.Feature}')
    .axisCenteredZero(true)
    .showPoints(VisibilityMode.Always)
    .spanNulls(true)

const found = () =>
  new Table()
    .title('What was found')
    .datasource(MENDLINE)
    .height(9)
    .span(10)
    .withTarget(rows(`marks?${DEVICE}&limit=100&${SPAN}`, [time('t', 'Time'), text('kind', 'Kind'), text('title', 'What'), text('text', 'Why')]))

/** Repeated for each chosen feature: the line inside the band of what a unit without fault would show. */
const feature = () =>
  new TimeSeries()
    .title('${feature}')
    .description('A point a window; the band holds about 99 of 100 windows of units without fault under the same conditions.')
    .datasource(MENDLINE)
    .height(7)
    .span(8)
    .repeat('feature')
    .repeatDirection('h')
    .maxPerRow(3)
    .withTarget(
      rows(`residuals?${DEVICE}&feature=\${feature}&max_points=300&${SPAN}`, [
        time('t', 'Time'),
        number('observed', 'Observed'),
        number('expected', 'Expected'),
        number('low', 'Low'),
        number('high', 'High'),
      ]),
    )
    .spanNulls(true)
    .overrideByName('Expected', [{ id: 'custom.lineStyle', value: { fill: 'dash', dash: [6, 4] } }])
    .overrideByName('High', [
      { id: 'custom.fillBelowTo', value: 'Low' },
      { id: 'custom.fillOpacity', value: 15 },
      { id: 'custom.lineWidth', value: 0 },
      { id: 'custom.hideFrom', value: { legend: true, tooltip: false, viz: false } },
    ])
    .overrideByName('Low', [
      { id: 'custom.lineWidth', value: 0 },
      { id: 'custom.hideFrom', value: { legend: true, tooltip: false, viz: false } },
    ])

/** Repeated for each chosen channel. */
const reading = () =>
  new TimeSeries()
    .title('${channel}')
    .description('Mean of each step with the least and the greatest reading in it.')
    .datasource(MENDLINE)
    .height(7)
    .span(8)
    .repeat('channel')
    .repeatDirection('h')
    .maxPerRow(3)
    .withTarget(
      rows(`readings?${DEVICE}&channel=\${channel}&max_points=500&${SPAN}`, [
        time('t', 'Time'),
        number('mean', 'Mean'),
        number('min', 'Min'),
        number('max', 'Max'),
      ]),
    )
    .drawStyle(GraphDrawStyle.Line)
    .lineStyle(new LineStyleBuilder().fill('solid'))
    .overrideByName('Max', [
      { id: 'custom.fillBelowTo', value: 'Min' },
      { id: 'custom.fillOpacity', value: 20 },
      { id: 'custom.lineWidth', value: 0 },
    ])
    .overrideByName('Min', [{ id: 'custom.lineWidth', value: 0 }])
