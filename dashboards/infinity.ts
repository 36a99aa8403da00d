/**
 * Queries to Mendline for Grafana's Infinity data source: a path below `/api/v1/grafana`, and the columns that a panel takes of its rows.
 * The data source itself (address and key) is provisioned, so a query has neither. Grafana fills in `${__from}`, `${device}` and the like.
 */
import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog'
import type { DataSourceRef } from '@grafana/grafana-foundation-sdk/common'
import { AnnotationQueryBuilder, QueryVariableBuilder, VariableRefresh } from '@grafana/grafana-foundation-sdk/dashboard'

/** The provisioned data source. */
export const MENDLINE: DataSourceRef = { type: 'yesoreyeram-infinity-datasource', uid: 'mendline' }

/** Field of a row, its name in the panel, and what it is. */
export interface Column {
  readonly selector: string
  readonly text: string
  readonly type: 'string' | 'number' | 'timestamp_epoch'
}

export interface InfinityQuery {
  readonly refId: string
  readonly datasource: DataSourceRef
  readonly type: 'json'
  readonly source: 'url'
  readonly format: 'table'
  /** Parsed in Grafana's server, so that its alerts and shared boards work too. */
  readonly parser: 'backend'
  readonly root_selector: ''
  readonly url: string
  readonly url_options: { readonly method: 'GET'; readonly data: '' }
  readonly columns: readonly Column[]
}

/** `time('t')`, `number('mean', 'Mean')`, `text('device')`: columns by kind; the name in the panel is the field's when absent. */
export const time = (selector: string, name = selector): Column => ({ selector, text: name, type: 'timestamp_epoch' })
export const number = (selector: string, name = selector): Column => ({ selector, text: name, type: 'number' })
export const text = (selector: string, name = selector): Column => ({ selector, text: name, type: 'string' })

/** The span that a board shows. */
export const SPAN = 'from_ms=${__from}&to_ms=${__to}'

function query(path: string, columns: readonly Column[], refId: string): InfinityQuery {
  return {
    refId,
    datasource: MENDLINE,
    type: 'json',
    source: 'url',
    format: 'table',
    parser: 'backend',
    root_selector: '',
    url: `/api/v1/grafana/${path}`,
    url_options: { method: 'GET', data: '' },
    columns,
  }
}

/** Query of a panel. */
export function rows(path: string, columns: readonly Column[], refId = 'A'): Builder<Dataquery> {
  return { build: () => ({ ...query(path, columns, refId), _implementsDataqueryVariant() {} }) }
}

/** Choice at the top of a board: one of the rows' values. */
export function choice(
  name: string,
  label: string,
  { path, value, shown = value }: { readonly path: string; readonly value: string; readonly shown?: string },
) {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(MENDLINE)
    .refresh(VariableRefresh.OnDashboardLoad)
    .query({ queryType: 'infinity', query: '', infinityQuery: query(path, [text(shown, '__text'), text(value, '__value')], 'variable') })
}

/** Marks of one kind on every panel with a time axis. */
export function marks(name: string, kind: string, colour: string): AnnotationQueryBuilder {
  const columns = [time('t', 'time'), time('to_ms', 'timeEnd'), text('title'), text('text'), text('tags')]
  return new AnnotationQueryBuilder()
    .name(name)
    .datasource(MENDLINE)
    .enable(true)
    .iconColor(colour)
    .target(rows(`marks?device=\${device}&kind=${kind}&${SPAN}`, columns, 'Anno'))
}
