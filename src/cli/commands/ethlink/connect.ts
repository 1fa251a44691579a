/** `vpc ethlink connect`. */
import { command } from '../../command.ts'
import { connectEthlink } from '../../connect-ethlink.ts'
import { ethlinkId } from '../../id-options.ts'
import { interfaceName } from '../../kinds.ts'
import { alreadySo, done, unitText } from '../../outcome.ts'

export default command({
  path: 'ethlink connect',
  summary: 'wrap an interface of the host',
  description: `The host keeps its own connectivity on the interface. Connecting to the interface that is connected changes nothing.`,
  options: { ethlinkId, l2Name: interfaceName('interface of the host').short('n').required },
  examples: [{ line: 'vpc ethlink connect ethlink0 --l2-name=eth0', does: 'wrap eth0' }],
  async run({ ethlinkId: id, l2Name }, { vpc, output }) {
    await using ethlink = await (await vpc()).openEthlink(id, { write: true })
    const isNew = await connectEthlink(ethlink, l2Name)
    const info = await ethlink.describe()
    const said = `${unitText(info)} is connected to ${l2Name}`
    if (isNew) done(output, said, { object: info })
    else alreadySo(output, said, { object: info })
  },
})
