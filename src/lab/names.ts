/** Names of a lab's namespaces, devices and directories. */
import { join } from 'node:path'

/** Where labs keep what they need while they are up. Root's alone. */
export const labsDirectory = '/run/vpc-lab'
/** What the underlay's device is called on each host. */
export const underlayDevice = 'underlay0'
/** What the interface of a guest, or of a machine at the end of a wire, is called in it. */
export const guestDevice = 'eth0'

/** The namespace of a host, guest or link of a lab. */
export const netnsName = (lab: string, thing: string): string => `${lab}-${thing}`

/** Where a namespace of that name can be entered. */
export const netnsPath = (netns: string): string => `/run/netns/${netns}`

/** Where the state of a lab stands. */
export const labDirectory = (lab: string): string => join(labsDirectory, lab)

/** Where `vpc vm` keeps the virtual machines of a host: they go with the lab. */
export const vmDirectory = (lab: string, host: string): string => join(labDirectory(lab), host, 'vm')
