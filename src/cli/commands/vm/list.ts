/** `vpc vm list`. */
import { allVms } from '#vm/vm-directory.ts'
import { command } from '../../command.ts'
import { tellingVmErrors } from '../../vm-failure.ts'
import { baseOf, vmDir } from '../../vm-options.ts'
import { shortState, viewAnyVm } from '../../vm-view.ts'

export default command({
  path: 'vm list',
  summary: 'list the virtual machines',
  options: { vmDir },
  examples: [{ line: 'vpc vm list', does: 'every virtual machine with its state, and how it ended' }],
  async run({ vmDir: directory }, { output }) {
    const views = await tellingVmErrors(() => Promise.all(allVms(baseOf(directory)).map(viewAnyVm)))
    output.result(views, {
      columns: ['NAME', 'ID', 'STATE', { title: 'CPUS', align: 'right' }, { title: 'MEMORY', align: 'right' }, 'ACCEL', 'VMNICS'],
      rows: views.map((view) =>
        view.state === 'broken'
          ? ['-', view.id, 'broken', '-', '-', '-', '-']
          : [
              view.name ?? '-',
              view.id,
              shortState(view),
              view.cpus,
              `${view.memoryMib} MiB`,
              view.running?.acceleration ?? '-',
              view.running === null ? view.vmnics.length : view.running.vmnics.map(({ device }) => device).join(' ') || '-',
            ],
      ),
    })
    // A sentence would make the table too wide.
    if (output.json) return
    for (const view of views) if (view.state === 'broken') output.text(`${view.id} is broken: ${view.problem}`)
  },
})
