/** `vpc switch port uplink`. */
import { command } from '../../../command.ts'
import { portId, switchId } from '../../../id-options.ts'
import { alreadySo, done, unitText } from '../../../outcome.ts'

export default command({
  path: 'switch port uplink',
  summary: 'make a port the uplink of its switch',
  description: `Frames of the uplink's VNI leave through the uplink when no table knows their destination. They are not
    encapsulated. A switch has one uplink at most; remove the other port first.`,
  options: { switchId, portId },
  examples: [
    {
      line: 'vpc switch port uplink red office',
      does: 'make it the uplink',
    },
  ],
  async run({ switchId: id, portId: port }, { vpc, output }) {
    await using object = await (await vpc()).openSwitch(id, { write: true })
    const info = await object.describe()
    if (info.uplink === port) return alreadySo(output, `port ${port} is the uplink of ${unitText(info)}`, { object: info })
    await object.setUplink(port)
    done(output, `port ${port} is now the uplink of ${unitText(info)}`, { object: await object.describe() })
  },
})
