/** `vpc events`. */
import { agentStateDir } from '../agent-state-dir.ts'
import { clientForNames, sayNoNames } from '../cloud/client-for-names.ts'
import { followEvents, pastEvents } from '../cloud/event-actions.ts'
import { clientOf } from '../cloud/resource-actions.ts'
import { common } from '../cloud/resource-command.ts'
import { command } from '../command.ts'
import { DropNames, withNames } from '../drop-names.ts'
import { eventLine } from '../event-text.ts'
import { usageFailure } from '../failure.ts'
import { hostEvents, hostEventText } from '../host-events.ts'
import { flag, text } from '../option.ts'
import { earlier, formatTime } from '../time-text.ts'

const filters = ['account', 'vpc', 'host', 'vnic'] as const

export default command({
  path: 'events',
  summary: 'show what happened in a cloud, or what happens on this host',
  description: `Prints a line for each thing that happened, the oldest first: who created, changed or destroyed what, and by which request;
    vnics that became ready, are late or failed, and why; hosts that came, are away, or were drained; how many packets a
    vnic's host dropped, by reason; NATs without a public port left. The logs of the API and of the hosts have the same
    ids of requests: grep one of them there.

    Without --follow: the last hour, or since --since. Changes come from the audit records, which go back for as long as
    their files are kept; drops are those of the last hour that hosts have told this API. States of the past are not
    kept. With --follow: what is wrong now, then all that happens, until you press Ctrl-C; when the connection is lost, the
    command connects again, and goes on where it was. Dropped packets are summed: the first ones of a vnic are told at once,
    and then each minute. vpc drops --follow shows each packet.

    With --local: what happens on this host, as vpcd tells it, with or without a cloud: objects that are created, changed or removed,
    or not as they should be; sums of dropped packets, and of questions that no table answers. vpcd keeps no past.`,
  options: {
    follow: flag('go on, and print what happens as it happens').short('f'),
    since: text('begin with what happened after this time, or so long ago; 31 days back at most', 'TIME|90m|24h|7d'),
    until: text('only what happened before this time', 'TIME|90m|24h|7d'),
    limit: text('the newest so many; 1000, unless given, which is the most', 'NUMBER'),
    account: text('only of this account', 'NAME', { names: 'account' }),
    vpc: text('only of this vpc', 'NAME', { names: 'vpc' }),
    host: text('only of this host, and of vnics that are plugged in there', 'NAME', { names: 'host' }),
    vnic: text('only of this vnic', 'NAME', { names: 'vnic' }),
    local: flag('what happens on this host, from its vpcd'),
    stateDir: agentStateDir,
    ...common,
  },
  examples: [
    { line: 'vpc events --follow', does: 'watch' },
    { line: 'vpc events --vnic=web1 --since=24h', does: 'what became of web1 since yesterday' },
    { line: `vpc events --follow --json | jq 'select(.event == "nat-exhausted")'`, does: 'NATs that are too small' },
    { line: 'vpc events --local', does: 'this host alone' },
  ],
  async run(values, { output, vpc, global: { utc }, signal }) {
    const { follow, local, since, until, limit, context, stateDir } = values
    const given = filters.filter((word) => values[word] !== undefined)
    if (local) {
      const other = [...given, ...(['since', 'until', 'limit'] as const).filter((word) => values[word] !== undefined)][0]
      if (other !== undefined) throw usageFailure(`--${other} is about a cloud: leave out --local; vpcd keeps no past, and knows no names`)
      await using mgmt = await (await vpc()).mgmt()
      const names = new DropNames(mgmt, { stateDir, client: clientForNames(context), say: sayNoNames })
      for await (const event of hostEvents(mgmt, signal)) {
        const known = event.unit === null ? {} : await names.of(event.unit)
        const isNamed = Object.keys(known).length > 0
        const line = (): string => `${formatTime(new Date(event.time), utc)}  ${withNames(hostEventText(event), known)}`
        output.item(isNamed ? { ...event, names: known } : event, line)
      }
      return
    }
    const query = new URLSearchParams(given.map((word) => [word, values[word]!]))
    for (const [word, time] of Object.entries({ since, until })) if (time !== undefined) query.set(word, earlier(time))
    if (limit !== undefined) query.set('limit', limit)
    const client = clientOf(values)
    if (follow) {
      for await (const event of followEvents(client, query, signal)) output.item(event, eventLine(event, utc))
      return
    }
    const { items, isCut } = await pastEvents(client, query)
    for (const event of items) output.item(event, eventLine(event, utc))
    if (items.length === 0 && !output.json) process.stderr.write('vpc: nothing happened in that time that you may see\n')
    if (isCut && !output.json) process.stderr.write(`vpc: there are older ones; they end at --until=${items[0]!.time}\n`)
  },
})
