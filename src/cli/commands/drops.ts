/** `vpc drops`. */
import type { DropEvent } from '#abi/info.ts'
import { agentStateDir } from '../agent-state-dir.ts'
import { ApiClient } from '../cloud/api-client.ts'
import { currentContext } from '../cloud/contexts.ts'
import { command } from '../command.ts'
import { DropNames, withNames } from '../drop-names.ts'
import { causeText, dropCounters, dropLine, dropTable } from '../drop-text.ts'
import { Failure } from '../failure.ts'
import { flag, text } from '../option.ts'

export default command({
  path: 'drops',
  summary: 'show which packets were dropped, and why',
  description: `Without --follow: for each port and mux, how many packets the programs dropped for each reason. With
    --follow: packets as they are dropped, a line each, until you press Ctrl-C. These are a sample: the rest of a fast
    source is only counted.

    On a host with an agent, and for a user who is logged in to its cloud, vnics, groups, rules, subnets and routers have their names
    there. With --json both are there: the units, and by unit what they stand for in "names".`,
  options: {
    follow: flag('show packets as they are dropped').short('f'),
    context: text('context of the cloud whose names are shown (vpc context list)', 'NAME'),
    stateDir: agentStateDir,
  },
  examples: [
    { line: 'vpc drops', does: 'the counters' },
    { line: 'vpc drops --follow', does: 'watch' },
    { line: `vpc drops --follow --json | jq -r 'select(.reason == "source_ip") | .unit'`, does: 'who forges addresses' },
  ],
  async run({ follow, context, stateDir }, { vpc, output, global, signal }) {
    await using mgmt = await (await vpc()).mgmt()
    const names = new DropNames(mgmt, { stateDir, client: clientOf(context), say: sayNoNames })
    if (!follow) {
      const counters = dropCounters(await mgmt.stats())
      const known = await names.of(counters.map(({ unit }) => unit).join(' '))
      const named = counters.map((each) => ({ ...each, ...(known[each.unit] && { name: known[each.unit] }) }))
      const shown = named.map((each) => ({ ...each, unit: withNames(each.unit, known) }))
      return output.result(named, named.length === 0 ? 'no packet was dropped' : dropTable(shown))
    }
    for await (const event of mgmt.followDrops(signal)) {
      const known = await names.of(wordsOf(event))
      const isNamed = Object.keys(known).length > 0
      output.item(isNamed ? { ...event, names: known } : event, () => withNames(dropLine(event, output.style, global.utc), known))
    }
  },
})

/** All units and rules in an event. */
const wordsOf = (event: DropEvent): string => [event.port, causeText(event), event.refusal?.rule].join(' ')

const sayNoNames = (why: string): boolean => process.stderr.write(`vpc: no names of the cloud: ${why}\n`)

/** Who is not logged in sees units. */
function clientOf(context: string | undefined): ApiClient | undefined {
  try {
    return new ApiClient(currentContext(context))
  } catch (error) {
    if (context !== undefined || !(error instanceof Failure)) throw error
    if (error.code !== 'not-logged-in') sayNoNames(error.message)
    return undefined
  }
}
