/** `vpc switch port remove`. */
import { command } from '../../../command.ts'
import { openIfThere } from '../../../create-object.ts'
import { portId, switchId } from '../../../id-options.ts'
import { alreadySo, done, unitText } from '../../../outcome.ts'

export default command({
  path: 'switch port remove',
  summary: 'remove a port from a switch',
  description: `The interface that was connected to it is disconnected and stays. Removing a port that is not in the switch changes nothing.`,
  options: { switchId, portId },
  examples: [
    {
      line: 'vpc switch port remove red web',
      does: 'remove it',
    },
  ],
  async run({ switchId: id, portId: port }, { vpc, output }) {
    const client = await vpc()
    await using object = await openIfThere((options) => client.openSwitch(id, options))
    if (object === undefined) return alreadySo(output, `there is no switch ${id}`, { id: port })
    const info = await object.describe()
    if (!info.ports.includes(port)) return alreadySo(output, `port ${port} is not in ${unitText(info)}`, { id: port })
    await object.deletePort(port)
    done(output, `removed port ${port} from ${unitText(info)}`, { id: port })
  },
})
