/** `vpc vm get`. */
import { command } from '../../command.ts'
import { formatFields } from '../../table.ts'
import { tellingVmErrors } from '../../vm-failure.ts'
import { directoryOf, vmDir, vmId, vmName } from '../../vm-options.ts'
import { stateText, viewVm, type VmView } from '../../vm-view.ts'

export default command({
  path: 'vm get',
  summary: 'show a virtual machine',
  positionals: [vmName],
  options: { vmId, vmDir },
  examples: [{ line: 'vpc vm get --vm-id=5ba4dbe7-e0b2-4e7c-8bd7-5d2f0d2a6a01', does: 'its settings, its state, and how it ended' }],
  async run(which, { output }, [given]) {
    const view = await tellingVmErrors(() => viewVm(directoryOf(which, given)))
    output.result(view, () => formatFields(fieldsOf(view), output.style))
  },
})

function fieldsOf(view: VmView): (readonly [string, string | number])[] {
  const { running } = view
  const vmnics = running?.vmnics.map(
    ({ id, device, mac, queues }) => `${device} (${id}, ${mac}, ${queues} queue pair${queues === 1 ? '' : 's'})`,
  )
  return [
    ...(view.name === null ? [] : ([['name', view.name]] as const)),
    ['id', view.id],
    ['state', stateText(view)],
    ['cpus', view.cpus],
    ['memory', `${view.memoryMib} MiB`],
    ['kernel', view.kernel ?? 'from the disk'],
    ...(view.initrd === null ? [] : ([['initrd', view.initrd]] as const)),
    ...(view.append === null ? [] : ([['append', view.append]] as const)),
    ['disk', view.disk === null ? 'none' : `${view.disk} (${view.diskFormat}${view.image === null ? '' : `, a copy of ${view.image}`})`],
    ['cloud-init', view.cloudInit === null ? 'none' : 'NoCloud'],
    ['vmnics', (vmnics ?? view.vmnics).join(', ') || 'none'],
    ['accel', running === null ? view.acceleration : `${running.acceleration}${running.vhost ? ' with vhost-net' : ''}`],
    ['protected', view.protected ? 'yes' : 'no'],
    ['autostart', view.autostart ? 'yes' : 'no'],
    ...(view.startedAt === null ? [] : ([['started', view.startedAt]] as const)),
    ...(view.end === null ? [] : ([['ended', view.end.at]] as const)),
    ...(running === null
      ? []
      : ([
          ['process', `${running.pid} as ${running.user}, watched by ${running.supervisor}`],
          ['resets', running.resets],
        ] as const)),
    ['directory', view.directory],
  ]
}
