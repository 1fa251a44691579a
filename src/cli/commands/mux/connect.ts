/** `vpc mux connect`. */
import { command } from '../../command.ts'
import { ethlinkText } from '../../connect-ethlink.ts'
import { Failure } from '../../failure.ts'
import { muxId } from '../../id-options.ts'
import { idOf } from '../../kinds.ts'
import { alreadySo, done, unitText } from '../../outcome.ts'

export default command({
  path: 'mux connect',
  summary: 'make an ethlink the underlay of a mux',
  description: `The MTU of guests follows from the interface that the ethlink wraps. Connecting to the ethlink that is connected changes nothing.`,
  options: { muxId, interfaceId: idOf('ethlink', 'the ethlink').short('I').required },
  examples: [
    {
      line: 'vpc mux connect vpcmux0 ethlink0',
      does: 'use an ethlink as the underlay',
    },
  ],
  async run({ muxId: id, interfaceId: ethlink }, { vpc, output }) {
    const client = await vpc()
    await using mux = await client.openMux(id, { write: true })
    const info = await mux.describe()
    if (info.underlay === ethlink)
      return alreadySo(output, `${unitText(info)} is connected to ${await ethlinkText(client, ethlink)}`, { object: info })
    if (info.underlay !== null) {
      const differences = [{ setting: 'interface', asked: ethlink, is: info.underlay }]
      const wayOut = `disconnect it first with vpc mux disconnect --mux-id=${id}`
      throw new Failure('conflict', `${unitText(info)} is connected to another ethlink; ${wayOut}`, { code: 'EISCONN', differences })
    }
    await mux.connect(ethlink)
    done(output, `${unitText(info)} is connected to ${await ethlinkText(client, ethlink)}`, { object: await mux.describe() })
  },
})
