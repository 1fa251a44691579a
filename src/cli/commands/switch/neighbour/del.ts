/** `vpc switch neighbour del`. */
import { command } from '../../../command.ts'
import { openIfThere } from '../../../create-object.ts'
import { usageFailure } from '../../../failure.ts'
import { switchId } from '../../../id-options.ts'
import { neighbourAddress, neighbourFile, neighbourVni, neighboursOf } from '../../../neighbour-options.ts'
import { alreadySo, done, unitText } from '../../../outcome.ts'

export default command({
  path: 'switch neighbour del',
  summary: 'make a switch forget the MAC address of an IP address',
  description: `An entry that does not exist is no error. A file may have the lines that vpc switch neighbour list
    prints; their MAC addresses are ignored.`,
  options: { switchId, vni: neighbourVni, address: neighbourAddress, file: neighbourFile },
  examples: [{ line: 'vpc switch neighbour del red --vni=5001 --address=10.0.0.2', does: 'one entry' }],
  async run({ switchId: id, vni, address, file }, { vpc, output }) {
    if (file === undefined && (vni === undefined || address === undefined)) throw usageFailure('give --vni and --address, or --file')
    const asked = neighboursOf({ vni, address, file, mac: file === undefined ? '00:00:00:00:00:00' : undefined })
    const client = await vpc()
    await using object = await openIfThere((options) => client.openSwitch(id, options))
    if (object === undefined) return alreadySo(output, `there is no switch ${id}`, { id, entries: 0 })
    const there = new Set((await object.neighbours()).map(keyOf))
    const entries = asked.filter((entry) => there.has(keyOf(entry)))
    const unit = unitText(await object.describe())
    if (entries.length === 0) return alreadySo(output, `${unit} has no such neighbour`, { id, entries: 0 })
    await object.deleteNeighbours(entries)
    done(output, `${unit}: deleted ${entries.length === 1 ? '1 neighbour' : `${entries.length} neighbours`}`, {
      id,
      entries: entries.length,
    })
  },
})

const keyOf = ({ vni, address }: { vni: number; address: string }): string => `${vni} ${address}`
