/** `vpc switch neighbour set`. */
import type { Neighbour } from '#client/text.ts'
import { command } from '../../../command.ts'
import { switchId } from '../../../id-options.ts'
import { neighbourAddress, neighbourFile, neighbourMac, neighboursOf, neighbourVni } from '../../../neighbour-options.ts'
import { alreadySo, done, unitText } from '../../../outcome.ts'

export default command({
  path: 'switch neighbour set',
  summary: 'set the MAC address of an IP address in a switch',
  description: `This host then answers ARP and ND questions for the address. Replaces an existing entry. Entries of a
    file are set all or none.`,
  options: { switchId, vni: neighbourVni, address: neighbourAddress, mac: neighbourMac, file: neighbourFile },
  examples: [
    {
      line: 'vpc switch neighbour set red --vni=5001 --address=10.0.0.2 --mac=02:00:5e:10:00:02',
      does: 'one entry',
    },
    {
      line: 'vpc switch neighbour set red --file=neighbours.txt',
      does: 'many, lines such as: 5001 10.0.0.2 02:00:5e:10:00:02',
    },
  ],
  async run({ switchId: id, vni, address, mac, file }, { vpc, output }) {
    const neighbours = neighboursOf({ vni, address, mac, file })
    await using object = await (await vpc()).openSwitch(id, { write: true })
    const known = new Set((await object.neighbours()).map(textOf))
    const isSame = neighbours.every((each) => known.has(textOf(each)))
    if (!isSame) await object.setNeighbours(neighbours)
    const [only] = neighbours
    const what = neighbours.length === 1 ? `${only!.address} of VNI ${only!.vni} is ${only!.mac}` : `${neighbours.length} neighbours set`
    const told = isSame ? alreadySo : done
    told(output, `${unitText(await object.describe())}: ${what}`, { id, entries: neighbours.length })
  },
})

const textOf = ({ vni, address, mac }: Neighbour): string => `${vni} ${address} ${mac}`
