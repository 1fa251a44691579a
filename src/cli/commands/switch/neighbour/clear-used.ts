/** `vpc switch neighbour clear-used`. */
import { command } from '../../../command.ts'
import { switchId } from '../../../id-options.ts'
import { done, unitText } from '../../../outcome.ts'

export default command({
  path: 'switch neighbour clear-used',
  summary: 'forget which neighbours are used',
  description: `Every neighbour loses the flag used. One with which a question is answered gets it again; vpc switch neighbour list shows some time
    later which neighbours nobody asks for.`,
  options: { switchId },
  examples: [{ line: 'vpc switch neighbour clear-used --switch-id=da64c3f3-095d-91e5-df01-5aabcfc52468', does: 'begin to watch' }],
  async run({ switchId: id }, { vpc, output }) {
    await using object = await (await vpc()).openSwitch(id, { write: true })
    await object.clearUsedNeighbours()
    done(output, `${unitText(await object.describe())}: no neighbour counts as used`, { id })
  },
})
