/** `vpc mux disconnect`. */
import { command } from '../../command.ts'
import { ethlinkText } from '../../connect-ethlink.ts'
import { openIfThere } from '../../create-object.ts'
import { Failure } from '../../failure.ts'
import { muxId } from '../../id-options.ts'
import { idOf } from '../../kinds.ts'
import { alreadySo, done, unitText } from '../../outcome.ts'

export default command({
  path: 'mux disconnect',
  summary: 'take the underlay from a mux',
  description: `Disconnecting one that is not connected changes nothing.`,
  options: { muxId, interfaceId: idOf('ethlink', 'only if it is this ethlink').short('I') },
  examples: [{ line: 'vpc mux disconnect vpcmux0', does: 'disconnect it' }],
  async run({ muxId: id, interfaceId: ethlink }, { vpc, output }) {
    const client = await vpc()
    await using mux = await openIfThere((options) => client.openMux(id, options))
    if (mux === undefined) return alreadySo(output, `there is no mux ${id}`, { id })
    const info = await mux.describe()
    if (info.underlay === null) return alreadySo(output, `${unitText(info)} is not connected`, { object: info })
    if (ethlink !== undefined && info.underlay !== ethlink) {
      const differences = [{ setting: 'interface', asked: ethlink, is: info.underlay }]
      throw new Failure('conflict', `${unitText(info)} is connected to another ethlink`, { code: 'ENOTCONN', differences })
    }
    const was = await ethlinkText(client, info.underlay)
    await mux.disconnect()
    done(output, `${unitText(info)} is disconnected from ${was}`, { object: await mux.describe() })
  },
})
