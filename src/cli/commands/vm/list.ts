/** `vpc vm list`. */
import type { Vpc } from '#client/vpc.ts'
import { allVms } from '#vm/vm-directory.ts'
import { command } from '../../command.ts'
import { failureOf } from '../../report.ts'
import { tellingVmErrors } from '../../vm-failure.ts'
import { baseOf, vmDir } from '../../vm-options.ts'
import { shortState, viewAnyVm } from '../../vm-view.ts'

export default command({
  path: 'vm list',
  summary: 'list the virtual machines',
  description: `Shows the machines of this host, with the addresses that their ports have by vpcd, if that runs. vpc cloud vm list shows those of
    a cloud, with their hosts.`,
  options: { vmDir },
  examples: [{ line: 'vpc vm list', does: 'every virtual machine with its state, its addresses, and how it ended' }],
  async run({ vmDir: directory }, { output, vpc }) {
    const machines = await tellingVmErrors(() => Promise.all(allVms(baseOf(directory)).map(viewAnyVm)))
    const known = machines.some((view) => view.state !== 'broken' && view.vmnics.length > 0) ? await addressesOf(vpc) : undefined
    const views = machines.map((view) =>
      view.state === 'broken' ? view : { ...view, addresses: view.vmnics.flatMap((id) => known?.get(id) ?? []) },
    )
    output.result(views, {
      columns: [
        'NAME',
        'ID',
        'STATE',
        'ADDRESSES',
        { title: 'CPUS', align: 'right' },
        { title: 'MEMORY', align: 'right' },
        'ACCEL',
        'VMNICS',
      ],
      rows: views.map((view) =>
        view.state === 'broken'
          ? ['-', view.id, 'broken', '-', '-', '-', '-', '-']
          : [
              view.name ?? '-',
              view.id,
              shortState(view),
              view.addresses.join(' ') || '-',
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

/** The addresses of vmnics, which their ports have; undefined: vpcd does not run, or does not tell. */
async function addressesOf(vpc: () => Promise<Vpc>): Promise<ReadonlyMap<string, readonly string[]> | undefined> {
  try {
    await using mgmt = await (await vpc()).mgmt()
    const all = await mgmt.describeAll()
    return new Map(all.flatMap((info) => (info.type === 'vpcp' && info.peer !== null ? [[info.peer, info.addresses] as const] : [])))
  } catch (error) {
    if (['unreachable', 'denied'].includes(failureOf(error).kind)) return undefined
    throw error
  }
}
