/** `vpc lab list`. */
import { listLabs } from '#lab/lab-list.ts'
import { command } from '../../command.ts'
import { tellingLabErrors } from '../../lab-failure.ts'

export default command({
  path: 'lab list',
  summary: 'list the labs that are up, or half up',
  async run(_, { output }) {
    const labs = await tellingLabErrors(listLabs)
    output.result(labs, () => {
      if (labs.length === 0) return 'no lab is up'
      const rows = labs.map(({ name, state, hosts, guests, file, problems }) => [
        name,
        problems.length > 0 ? `${state}: ${problems.join('; ')}` : state,
        hosts.join(' '),
        guests.join(' '),
        file,
      ])
      return { columns: ['LAB', 'STATE', 'HOSTS', 'GUESTS', 'FILE'], rows }
    })
  },
})
