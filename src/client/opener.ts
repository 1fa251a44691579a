/** Opens objects as their types: a switch as a `Switch`, a port as a `Port`. */
import { generateId, type Id } from '#abi/id.ts'
import type { TypeName } from '#abi/object-type.ts'
import type { Channel } from './channel.ts'
import { Descriptor, type OpenOptions } from './descriptor.ts'
import { Ethlink } from './ethlink.ts'
import { AddressSet } from './address-set.ts'
import { Group } from './group.ts'
import { Hostif } from './hostif.ts'
import { Mgmt } from './mgmt.ts'
import { Mux } from './mux.ts'
import { Nat } from './nat.ts'
import { Port } from './port.ts'
import { Router } from './router.ts'
import { Subnet } from './subnet.ts'
import { Switch } from './switch.ts'
import { checkId } from './text.ts'
import { Vmnic } from './vmnic.ts'

/** A class of descriptors. */
export type Opened<D> = new (channel: Channel, id: Id, type: TypeName, timeoutMs?: number) => D

/** The class of each type's descriptors. */
export const classes = {
  vpcsw: Switch,
  vpcp: Port,
  vmnic: Vmnic,
  hostif: Hostif,
  ethlink: Ethlink,
  vpcmux: Mux,
  subnet: Subnet,
  vpcrtr: Router,
  set: AddressSet,
  group: Group,
  vpcnat: Nat,
  mgmt: Mgmt,
} as const
export type Typed = keyof typeof classes
export type DescriptorOf<T extends Typed> = InstanceType<(typeof classes)[T]>

/**
 * All opens throw DaemonUnreachable when no vpcd answers, and VpcError: EEXIST (create, and the id exists), ENOENT (no
 * create, and it does not), EINVAL (an id of another type, or a multicast one; the message has the right id),
 * EOPNOTSUPP (the type takes no descriptor), EPERM (this user may not).
 */
export abstract class Opener {
  protected abstract readonly timeoutMs: number | undefined

  /** vpc_open: the channel of the new descriptor. */
  protected abstract channel(id: Id, type: TypeName, options: OpenOptions): Promise<Channel>

  /** Open an object of a type that is known only at run time. */
  open(id: string, type: TypeName, options: OpenOptions = {}): Promise<Descriptor> {
    return this.#open(Descriptor, id, type, options)
  }

  openSwitch(id: string, options: OpenOptions = {}): Promise<Switch> {
    return this.#open(Switch, id, 'vpcsw', options)
  }

  openPort(id: string, options: OpenOptions = {}): Promise<Port> {
    return this.#open(Port, id, 'vpcp', options)
  }

  openVmnic(id: string, options: OpenOptions = {}): Promise<Vmnic> {
    return this.#open(Vmnic, id, 'vmnic', options)
  }

  openHostif(id: string, options: OpenOptions = {}): Promise<Hostif> {
    return this.#open(Hostif, id, 'hostif', options)
  }

  openEthlink(id: string, options: OpenOptions = {}): Promise<Ethlink> {
    return this.#open(Ethlink, id, 'ethlink', options)
  }

  openMux(id: string, options: OpenOptions = {}): Promise<Mux> {
    return this.#open(Mux, id, 'vpcmux', options)
  }

  openSubnet(id: string, options: OpenOptions = {}): Promise<Subnet> {
    return this.#open(Subnet, id, 'subnet', options)
  }

  openRouter(id: string, options: OpenOptions = {}): Promise<Router> {
    return this.#open(Router, id, 'vpcrtr', options)
  }

  openNat(id: string, options: OpenOptions = {}): Promise<Nat> {
    return this.#open(Nat, id, 'vpcnat', options)
  }

  openGroup(id: string, options: OpenOptions = {}): Promise<Group> {
    return this.#open(Group, id, 'group', options)
  }

  openAddressSet(id: string, options: OpenOptions = {}): Promise<AddressSet> {
    return this.#open(AddressSet, id, 'set', options)
  }

  /** Open a management handle; with `write` for operations that change the whole host. */
  mgmt({ write = false }: { readonly write?: boolean } = {}): Promise<Mgmt> {
    return this.#open(Mgmt, generateId('mgmt'), 'mgmt', { create: true, write })
  }

  async #open<D>(opened: Opened<D>, text: string, type: TypeName, options: OpenOptions): Promise<D> {
    const id = checkId(text, type)
    return new opened(await this.channel(id, type, options), id, type, this.timeoutMs)
  }
}
