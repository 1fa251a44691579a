/** `vpc switch reset`. */
import { command } from '../../command.ts'
import { switchId } from '../../id-options.ts'
import { alreadySo, done, unitText } from '../../outcome.ts'

export default command({
  path: 'switch reset',
  summary: 'empty the neighbour table of a switch',
  description: `The switch keeps its ports, connections and settings.`,
  options: { switchId },
  examples: [{ line: 'vpc switch reset red', does: 'forget' }],
  async run({ switchId: id }, { vpc, output }) {
    await using object = await (await vpc()).openSwitch(id, { write: true })
    const isEmpty = (await object.neighbours()).length === 0
    if (!isEmpty) await object.reset()
    const info = await object.describe()
    if (isEmpty) return alreadySo(output, `${unitText(info)} has no neighbours`, { object: info })
    done(output, `${unitText(info)} has forgotten its neighbours`, { object: info })
  },
})
