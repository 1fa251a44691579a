/** An interface for the host's own stack or a container: a veth whose one end may be moved into a network namespace. */
import type { HostifInfo } from '#abi/info.ts'
import { Descriptor } from './descriptor.ts'

export class Hostif extends Descriptor<HostifInfo> {}
