/** `vpc switch port disconnect`. */
import { command } from '../../../command.ts'
import { openIfThere } from '../../../create-object.ts'
import { Failure } from '../../../failure.ts'
import { interfaceId, portId } from '../../../id-options.ts'
import { alreadySo, done, unitText } from '../../../outcome.ts'

export default command({
  path: 'switch port disconnect',
  summary: 'disconnect an interface from a port',
  description: `Both stay. Disconnecting what is not connected changes nothing.`,
  options: { portId, interfaceId },
  examples: [
    {
      line: 'vpc switch port disconnect web vmnic0',
      does: 'unplug a vmnic',
    },
  ],
  async run({ portId: id, interfaceId: peer }, { vpc, output }) {
    const client = await vpc()
    await using port = await openIfThere((options) => client.openPort(id, options))
    if (port === undefined) return alreadySo(output, `there is no port ${id}`, { id })
    const info = await port.describe()
    if (info.peer === null) return alreadySo(output, `${unitText(info)} is not connected`, { object: info })
    if (info.peer !== peer) {
      const differences = [{ setting: 'interface', asked: peer, is: info.peer }]
      throw new Failure('conflict', `${unitText(info)} is connected to ${info.peerUnit}, not to ${peer}`, { code: 'ENOTCONN', differences })
    }
    await port.disconnect(peer)
    done(output, `${unitText(info)} is disconnected from ${info.peerUnit} (${peer})`, { object: await port.describe() })
  },
})
