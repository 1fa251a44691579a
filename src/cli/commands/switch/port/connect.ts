/** `vpc switch port connect`. */
import { command } from '../../../command.ts'
import { connectPort } from '../../../connect-port.ts'
import { interfaceId, portId } from '../../../id-options.ts'
import { alreadySo, done, unitText } from '../../../outcome.ts'

export default command({
  path: 'switch port connect',
  summary: 'connect an interface to a port',
  description: `The interface is a vmnic, a hostif or an ethlink. Connecting it to the port that it is connected to changes nothing.`,
  options: { portId, interfaceId },
  examples: [
    {
      line: 'vpc switch port connect web vmnic0',
      does: 'plug a vmnic in',
    },
  ],
  async run({ portId: id, interfaceId: peer }, { vpc, output }) {
    await using port = await (await vpc()).openPort(id, { write: true })
    const isNew = await connectPort(port, peer)
    const info = await port.describe()
    const said = `${unitText(info)} is connected to ${info.peerUnit} (${peer})`
    if (isNew) done(output, said, { object: info })
    else alreadySo(output, said, { object: info })
  },
})
