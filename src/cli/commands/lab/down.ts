/** `vpc lab down NAME`. */
import { bringDown } from '#lab/lab-down.ts'
import { command } from '../../command.ts'
import { tellingLabErrors } from '../../lab-failure.ts'

export default command({
  path: 'lab down',
  summary: 'take a lab down',
  description: `Ends the daemons of the lab's hosts and all other processes in its namespaces. Then removes the
    namespaces and everything else that was made for the lab, also when the lab is half broken. If the lab is not up,
    nothing changes.`,
  positionals: [{ name: 'NAME', help: 'the lab; `vpc lab list` shows which there are' }],
  async run(_, { output }, [name]) {
    const { wasUp } = await tellingLabErrors(() => bringDown(name!))
    output.result({ name, wasUp }, wasUp ? `lab ${name} is down` : `lab ${name} is not up`)
  },
})
