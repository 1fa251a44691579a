/** `vpc ethlink disconnect`. */
import { command } from '../../command.ts'
import { openIfThere } from '../../create-object.ts'
import { ethlinkId } from '../../id-options.ts'
import { alreadySo, done, unitText } from '../../outcome.ts'

export default command({
  path: 'ethlink disconnect',
  summary: 'release the interface that an ethlink wraps',
  description: `Disconnecting one that is not connected changes nothing.`,
  options: { ethlinkId },
  examples: [{ line: 'vpc ethlink disconnect ethlink0', does: 'release it' }],
  async run({ ethlinkId: id }, { vpc, output }) {
    const client = await vpc()
    await using ethlink = await openIfThere((options) => client.openEthlink(id, options))
    if (ethlink === undefined) return alreadySo(output, `there is no ethlink ${id}`, { id })
    const info = await ethlink.describe()
    if (info.l2Name === null) return alreadySo(output, `${unitText(info)} is not connected`, { object: info })
    await ethlink.disconnect()
    done(output, `${unitText(info)} is disconnected from ${info.l2Name}`, { object: await ethlink.describe() })
  },
})
