/** `vpc lab down NAME`. */
import { bringDown } from '#lab/lab-down.ts'
import { command } from '../../command.ts'
import { tellingLabErrors } from '../../lab-failure.ts'

export default command({
  path: 'lab down',
  summary: 'take a lab down',
  description:
    'Ends the daemons of its hosts and whatever else runs in its namespaces, then removes the namespaces and all else that was made for it, ' +
    'also of a lab that is half broken. A lab that is not up is left as it is.',
  positionals: [{ name: 'NAME', help: 'the lab; `vpc lab list` shows which there are' }],
  async run(_, { output }, [name]) {
    const { wasUp } = await tellingLabErrors(() => bringDown(name!))
    output.result({ name, wasUp }, wasUp ? `lab ${name} is down` : `lab ${name} is not up`)
  },
})
