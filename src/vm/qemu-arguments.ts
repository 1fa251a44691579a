/**
 * The command line of QEMU, made from the machine's definition and the numbers of the descriptors that QEMU inherits.
 * Pure.
 */
import type { VmDefinition } from './definition.ts'
import type { GuestVmnic } from './vm-state.ts'

/** Descriptors of one vmnic, one a queue pair. */
export interface VmnicDescriptors {
  readonly vmnic: GuestVmnic
  readonly fds: readonly number[]
  readonly vhostFds: readonly number[] | undefined
}

export interface Inherited {
  readonly qmp: number
  readonly serial: number
  readonly kernel: number | undefined
  readonly initrd: number | undefined
  readonly disk: number | undefined
  readonly seed: number | undefined
  readonly vmnics: readonly VmnicDescriptors[]
  /** A guest comes from another host. */
  readonly incoming?: number
}

export const qemuProgram = 'qemu-system-x86_64'

/** Only explicit devices: no default devices, no user's configuration, no way to start programs or to gain rights. */
export const bareArguments: readonly string[] = [
  '-no-user-config',
  '-nodefaults',
  '-display',
  'none',
  '-sandbox',
  'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny',
]

/** The arguments that say how QEMU runs guest code. */
export const accelerationArguments = (acceleration: 'kvm' | 'tcg'): readonly string[] =>
  acceleration === 'kvm' ? ['-accel', 'kvm', '-cpu', 'host'] : ['-accel', 'tcg,thread=multi', '-cpu', 'max']

/** All arguments. The guest waits for QMP's `cont`, so that no console output is missed. */
export function qemuArguments(definition: VmDefinition, acceleration: 'kvm' | 'tcg', inherited: Inherited): string[] {
  const { id, memoryMib, cpus } = definition
  return [
    ['-name', `guest=${id}`, '-uuid', id, '-S'],
    bareArguments,
    ['-machine', 'pc', ...accelerationArguments(acceleration), '-m', `${memoryMib}M`, '-smp', String(cpus), '-rtc', 'base=utc'],
    ['-chardev', `socket,id=qmp,fd=${inherited.qmp},server=on,wait=off`, '-mon', 'chardev=qmp,mode=control'],
    ['-chardev', `socket,id=console,fd=${inherited.serial},server=on,wait=off`, '-serial', 'chardev:console'],
    ['-object', 'rng-builtin,id=rng', '-device', 'virtio-rng-pci,rng=rng'],
    bootArguments(definition, inherited),
    seedArguments(definition),
    diskArguments(definition, inherited),
    inherited.vmnics.flatMap(vmnicArguments),
    inherited.incoming === undefined ? [] : ['-incoming', `fd:${inherited.incoming}`],
  ].flat()
}

/**
 * A file that QEMU opens again by its descriptor: it needs the right to read the file, and no access to its directory.
 */
const byDescriptor = (fd: number): string => `/proc/self/fd/${fd}`

function bootArguments({ append }: VmDefinition, { kernel, initrd }: Inherited): string[] {
  if (kernel === undefined) return []
  return [
    '-kernel',
    byDescriptor(kernel),
    ...(initrd === undefined ? [] : ['-initrd', byDescriptor(initrd)]),
    ...(append === null ? [] : ['-append', append]),
  ]
}

/** NoCloud by URL: cloud-init reads the serial number of the machine, before it has a network. */
const seedArguments = ({ seed }: VmDefinition): string[] =>
  seed === 'metadata' ? ['-smbios', 'type=1,serial=ds=nocloud-net;s=http://169.254.169.254/nocloud/'] : []

function diskArguments({ diskFormat }: VmDefinition, { disk, seed }: Inherited): string[] {
  const file = (name: string, fd: number, set: number, readOnly: boolean): string[] => {
    const node = {
      driver: 'file',
      'node-name': `${name}-file`,
      filename: `/dev/fdset/${set}`,
      'read-only': readOnly,
      'auto-read-only': false,
      ...discarding(readOnly),
    }
    return ['-add-fd', `fd=${fd},set=${set}`, '-blockdev', JSON.stringify(node)]
  }
  const format = (name: string, driver: string, readOnly: boolean): string[] => {
    const node = { driver, 'node-name': name, file: `${name}-file`, 'read-only': readOnly, ...discarding(readOnly) }
    return ['-blockdev', JSON.stringify(node), '-device', `virtio-blk-pci,drive=${name},id=${name}-device`]
  }
  return [
    ...(disk === undefined ? [] : [...file('disk', disk, 1, false), ...format('disk', diskFormat ?? 'raw', false)]),
    ...(seed === undefined ? [] : [...file('seed', seed, 2, true), ...format('seed', 'raw', true)]),
  ]
}

/** What a guest discards takes no room on the host any more, and what it has not written takes none in a copy. */
const discarding = (readOnly: boolean): { discard?: 'unmap' } => (readOnly ? {} : { discard: 'unmap' })

/** Names of a vmnic's back end and device in QEMU. */
export const netdevId = ({ id }: Pick<GuestVmnic, 'id'>): string => `tap-${id}`
export const deviceId = ({ id }: Pick<GuestVmnic, 'id'>): string => `vmnic-${id}`

/** The device of a vmnic as the guest sees it: virtio, MAC and MTU from the object, a queue pair for each. */
export function vmnicDevice(vmnic: GuestVmnic): Record<string, string | number | boolean> {
  const { mac, mtuBytes, queues } = vmnic
  return {
    driver: 'virtio-net-pci',
    id: deviceId(vmnic),
    netdev: netdevId(vmnic),
    mac,
    host_mtu: mtuBytes,
    // A vector for each direction of each queue, one for the control queue, one for changes of the configuration.
    ...(queues > 1 && { mq: true, vectors: 2 * queues + 2 }),
    // No boot from the network.
    romfile: '',
  }
}

/** The back end of a vmnic. `fds` and `vhostFds` are numbers, or names that `getfd` gave. */
export const vmnicBackEnd = (
  vmnic: GuestVmnic,
  fds: readonly (number | string)[],
  vhostFds?: readonly (number | string)[],
): Record<string, string | boolean> => ({
  type: 'tap',
  id: netdevId(vmnic),
  fds: fds.join(':'),
  vhost: vhostFds !== undefined,
  ...(vhostFds !== undefined && { vhostfds: vhostFds.join(':') }),
})

function vmnicArguments({ vmnic, fds, vhostFds }: VmnicDescriptors): string[] {
  return ['-netdev', JSON.stringify(vmnicBackEnd(vmnic, fds, vhostFds)), '-device', JSON.stringify(vmnicDevice(vmnic))]
}
