/** `vpc drops`. */
import { command } from '../command.ts'
import { dropCounters, dropLine, dropTable } from '../drop-text.ts'
import { flag } from '../option.ts'

export default command({
  path: 'drops',
  summary: 'show which packets were dropped, and why',
  description: `Without --follow: for each port and mux, how many packets the programs dropped for each reason. With
    --follow: packets as they are dropped, a line each, until you press Ctrl-C. These are a sample: the rest of a fast
    source is only counted.`,
  options: { follow: flag('show packets as they are dropped').short('f') },
  examples: [
    { line: 'vpc drops', does: 'the counters' },
    { line: 'vpc drops --follow', does: 'watch' },
    { line: `vpc drops --follow --json | jq -r 'select(.reason == "source_ip") | .unit'`, does: 'who forges addresses' },
  ],
  async run({ follow }, { vpc, output, global, signal }) {
    await using mgmt = await (await vpc()).mgmt()
    if (!follow) {
      const counters = dropCounters(await mgmt.stats())
      return output.result(counters, counters.length === 0 ? 'no packet was dropped' : dropTable(counters))
    }
    for await (const event of mgmt.followDrops(signal)) output.item(event, () => dropLine(event, output.style, global.utc))
  },
})
