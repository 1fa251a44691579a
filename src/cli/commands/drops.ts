/** `vpc drops`. */
import { isHarmless } from '#abi/drop-words.ts'
import type { Mgmt } from '#client/mgmt.ts'
import { agentStateDir } from '../agent-state-dir.ts'
import { clientForNames, sayNoNames } from '../cloud/client-for-names.ts'
import { command } from '../command.ts'
import { explainReason, explainedReasons, reasonOption, reasonOrAll, reasonTable, reasonText } from '../drop-reason.ts'
import { DropNames, withNames } from '../drop-names.ts'
import { Failure } from '../failure.ts'
import { dropCounters, dropLine, dropTable, wordsOf } from '../drop-text.ts'
import { flag, text } from '../option.ts'

export default command({
  path: 'drops',
  summary: 'show which packets were dropped, and why',
  description: `Without --follow: for each port and mux, how many packets the programs dropped for each reason. With
    --follow: packets as they are dropped, a line each, until you press Ctrl-C. These are a sample: the rest of a fast
    source is only counted. With --explain: what a reason means, and what to do; this asks no vpcd.
    Reasons that a healthy network has, such as no_listener, show only with --reason or --json.

    On a host with an agent, and for a user who is logged in to its cloud, vnics, groups, rules, subnets and routers have their names
    there. With --json both are there: the units, and by unit what they stand for in "names".`,
  options: {
    follow: flag('show packets as they are dropped').short('f'),
    explain: reasonOrAll('say what a reason means, and what to do'),
    reason: reasonOption('only packets that were dropped for this reason').repeated,
    unit: text('only packets of this port, interface or mux, by unit name or name', 'UNIT').repeated,
    context: text('context of the cloud whose names are shown (vpc context list)', 'NAME'),
    stateDir: agentStateDir,
  },
  examples: [
    { line: 'vpc drops', does: 'the counters' },
    { line: 'vpc drops --follow', does: 'watch' },
    { line: 'vpc drops --explain sg_denied', does: 'what a reason means' },
    { line: 'vpc drops --follow --unit vpcp0 --reason no_route', does: 'one port, one reason' },
    { line: `vpc drops --follow --json | jq -r 'select(.reason == "source_ip") | .unit'`, does: 'who forges addresses' },
  ],
  async run({ follow, explain, reason, unit: given, context, stateDir }, { vpc, output, global, signal }) {
    if (explain === 'all') return output.result(explainedReasons(), reasonTable(explainedReasons()))
    if (explain !== undefined) return output.result(explainReason(explain), reasonText(explainReason(explain)))
    await using mgmt = await (await vpc()).mgmt()
    const unit = given.length > 0 ? await unitsOf(mgmt, given) : []
    // People see what is wrong; programs see all, and so does whoever names the reason.
    const isWanted = wanted(reason, unit, output.json || reason.length > 0)
    const names = new DropNames(mgmt, { stateDir, client: clientForNames(context), say: sayNoNames })
    if (!follow) {
      const counters = dropCounters(await mgmt.stats()).filter((each) => isWanted(each.reason, each.unit, each.peerUnit))
      const known = await names.of(counters.map(({ unit }) => unit).join(' '))
      const named = counters.map((each) => ({ ...each, ...(known[each.unit] && { name: known[each.unit] }) }))
      const shown = named.map((each) => ({ ...each, unit: withNames(each.unit, known) }))
      return output.result(named, named.length === 0 ? noneText(reason, unit) : dropTable(shown))
    }
    for await (const event of mgmt.followDrops(signal)) {
      if (!isWanted(event.reason, event.unit, event.port)) continue
      const known = await names.of(wordsOf(event))
      const isNamed = Object.keys(known).length > 0
      output.item(isNamed ? { ...event, names: known } : event, () => withNames(dropLine(event, output.style, global.utc), known))
    }
  },
})

/**
 * The units of unit names and names: a name may be one of several types. A unit that is not there has no drops, and
 * never will: it is probably a slip.
 */
async function unitsOf(mgmt: Mgmt, given: readonly string[]): Promise<string[]> {
  const all = await mgmt.describeAll()
  return given.flatMap((word) => {
    const found = all.filter(({ unit, name }) => unit === word || name === word).map(({ unit }) => unit)
    if (found.length > 0) return found
    throw new Failure('failed', `there is no unit '${word}' on this host; vpc list shows what there is`, { code: 'ENOENT' })
  })
}

/** Whether a packet is one of those that the user asked for. Without a filter all are. */
const wanted =
  (reasons: readonly string[], units: readonly string[], harmlessToo: boolean) =>
  (reason: string, ...own: readonly (string | null)[]): boolean =>
    (harmlessToo || !isHarmless(reason)) &&
    (reasons.length === 0 || reasons.includes(reason)) &&
    (units.length === 0 || own.some((unit) => unit !== null && units.includes(unit)))

const noneText = (reasons: readonly string[], units: readonly string[]): string =>
  ['no packet', units.length > 0 && `of ${units.join(', ')}`, 'was dropped', reasons.length > 0 && `for ${reasons.join(', ')}`]
    .filter(Boolean)
    .join(' ')
