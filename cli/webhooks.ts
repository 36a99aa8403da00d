/** Verbs over webhooks: endpoints of both lanes, the test button, attempts, dead letters, and sending them again. */
import type { Command } from 'commander'
import { client, list, type OneFlags, one, query } from './api-verbs.ts'
import { createClient, show } from './client.ts'

export function webhookVerbs(program: Command): void {
  const webhooks = program.command('webhooks').description('list, add and test webhooks, read attempts, send dead letters again')
  list(webhooks, '/webhooks', ['endpoint_id', 'lane', 'url', 'types', 'enabled'])
  client(webhooks.command('add').description('add an endpoint; its signing secret is shown once').argument('<url>'))
    .option('--types <names>', 'event types, separated by commas; all when absent')
    .option('--lane <lane>', '`emergency` = takes dangers alone, by a path of their own')
    .action(async (url: string, flags: OneFlags & { readonly types?: string; readonly lane?: string }) => {
      const body = { url, types: flags.types?.split(',') ?? [], ...(flags.lane === undefined ? {} : { lane: flags.lane }) }
      const made = await createClient(flags).send('POST', `/webhooks${query({ tenant: flags.tenant })}`, body)
      show(flags, made, ['endpoint_id', 'lane', 'url', 'types', 'secret'])
    })
  one(webhooks, 'test', 'send a test event', async (server, id, suffix) => {
    console.log(JSON.stringify(await server.send('POST', `/webhooks/${id}/test${suffix}`)))
  })
  one(webhooks, 'attempts', 'show deliveries', async (server, id, suffix, flags) => {
    const columns = ['at_ms', 'lane', 'event_id', 'attempt', 'status', 'error']
    show(flags, await server.send('GET', `/webhooks/${id}/attempts${suffix}`), columns)
  })
  one(webhooks, 'dead', 'show the dead letters', async (server, id, _suffix, flags) => {
    const columns = ['updated_at_ms', 'lane', 'event_id', 'subject', 'sequence', 'attempt_count']
    show(flags, await server.send('GET', `/webhooks/${id}/deliveries${query({ state: 'dead', tenant: flags.tenant })}`), columns)
  })
  one(webhooks, 'replay', 'send the dead letters again', async (server, id, _suffix, flags) => {
    const { event, tenant } = flags as OneFlags & { readonly event?: string }
    console.log(JSON.stringify(await server.send('POST', `/webhooks/${id}/replay${query({ event_id: event, tenant })}`)))
  }).option('--event <id>', 'only this one')
}
