/** Names of a lab's namespaces, devices and directories. */
import { join } from 'node:path'

/** Directory of what labs keep while they are up. Only root may look into it. */
export const labsDirectory = '/run/vpc-lab'
/** Name of the underlay's device on each host. */
export const underlayDevice = 'underlay0'
/** Name of the interface inside a guest, or inside a machine at the end of a wire. */
export const guestDevice = 'eth0'

/** The namespace of a host, guest or link of a lab. */
export const netnsName = (lab: string, thing: string): string => `${lab}-${thing}`

/** The path by which a namespace can be entered. */
export const netnsPath = (netns: string): string => `/run/netns/${netns}`

/** The file with the record of a lab. */
export const labDirectory = (lab: string): string => join(labsDirectory, lab)

/** Directory in which `vpc vm` keeps a host's virtual machines: they go with the lab. */
export const vmDirectory = (lab: string, host: string): string => join(labDirectory(lab), host, 'vm')
