/** `vpc switch neighbour list`. */
import { command } from '../../../command.ts'
import { switchId } from '../../../id-options.ts'
import { neighbourVni } from '../../../neighbour-options.ts'

export default command({
  path: 'switch neighbour list',
  summary: 'list the IP addresses that a switch knows, with their MAC addresses',
  description: `Units of this host have the addresses of their ports; those are not listed here, unless somebody set them.
    vpc switch neighbour set --file reads the lines that this command prints. Flag used: a question was
    answered with the entry since vpc switch neighbour clear-used. An entry without it may be deleted to make room.`,
  options: { switchId, vni: neighbourVni.help('only entries of this VNI') },
  examples: [{ line: 'vpc switch neighbour list red', does: 'every entry' }],
  async run({ switchId: id, vni }, { vpc, output }) {
    await using object = await (await vpc()).openSwitch(id)
    const entries = (await object.neighboursWithFlags())
      .filter((each) => vni === undefined || each.vni === vni)
      .toSorted((a, b) => a.vni - b.vni || (a.address < b.address ? -1 : 1))
    const rows = (): string[][] => entries.map((each) => [String(each.vni), each.address, each.mac, each.used ? 'used' : '-'])
    output.result(entries, () => ({ columns: ['VNI', 'ADDRESS', 'MAC', 'FLAGS'], rows: rows() }))
  },
})
