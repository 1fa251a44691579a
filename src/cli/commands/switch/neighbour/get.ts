/** `vpc switch neighbour get`. */
import { command } from '../../../command.ts'
import { Failure } from '../../../failure.ts'
import { switchId } from '../../../id-options.ts'
import { neighbourAddress, neighbourVni } from '../../../neighbour-options.ts'
import { unitText } from '../../../outcome.ts'

export default command({
  path: 'switch neighbour get',
  summary: 'show the MAC address that a switch has for an IP address',
  options: { switchId, vni: neighbourVni.required, address: neighbourAddress.required },
  examples: [
    {
      line: 'vpc switch neighbour get red --vni=5001 --address=10.0.0.2',
      does: 'ask for one',
    },
  ],
  async run({ switchId: id, vni, address }, { vpc, output }) {
    await using object = await (await vpc()).openSwitch(id)
    const entry = (await object.neighbours()).find((each) => each.vni === vni && each.address === address)
    if (entry === undefined) {
      const unit = unitText(await object.describe())
      throw new Failure('failed', `${unit} has no neighbour ${address} in VNI ${vni}; see vpc switch neighbour list`, { code: 'ENOENT' })
    }
    output.result(entry, entry.mac)
  },
})
