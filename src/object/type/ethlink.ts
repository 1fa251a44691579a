/** An ethlink: wraps an interface of the host. Frames pass it unencapsulated. */
import type { Id } from '#abi/id.ts'
import { initialSettings, settingsToJson } from '#abi/settings.ts'
import type { Device } from '#datapath/device/devices.ts'
import { asMac, type Mac } from '#wire/mac.ts'
import type { Context } from '../context.ts'
import { touchPort } from '../store/members.ts'
import { fullName, unitName, type Ethlink, type Model } from '../store/model.ts'
import { newBase, register, unregister } from '../store/registry.ts'
import { natsOf, touchNatsOf } from '../store/touch-nat.ts'
import type { Transaction } from '../store/transaction.ts'
import { serveEthlink, stopServing } from './ethlink-service.ts'
import { dropMirror, makeFirstMirror, noMirror, shownMac, syncMirrorMac } from './mirror.ts'
import { interfaceMtuBytes } from './mtu.ts'
import { setMtu, withMtuFollowing } from './mtu-follow.ts'
import { askHost } from './mux-direct.ts'
import { noteElsewhere } from './mux-ways.ts'
import { disconnectMux, syncMux } from './mux.ts'
import { disconnectPort, noteRecords } from './port.ts'
import { announce, publicOf } from './nat-announce.ts'
import { unwireNats } from './nat.ts'
import { type ObjectType, settersOf, type State } from './type.ts'

const state = (): State<'ethlink'> => ({
  port: null,
  ifindex: 0,
  mux: null,
  serving: { uplink: false, underlay: false, wire: false },
  promiscBefore: false,
  deviceMtuBytes: 0,
  interfaceMac: null,
  mirror: noMirror,
})

function createEthlink(context: Context, tx: Transaction, id: Id): Ethlink {
  const ethlink = register<Ethlink>(context, tx, { ...newBase(context.model, 'ethlink', id), ...initialSettings('ethlink'), ...state() })
  makeFirstMirror(context, tx, ethlink)
  return ethlink
}

/** Disconnect it from port and mux, restore the interface, and forget it. */
function dismantleEthlink(context: Context, tx: Transaction, ethlink: Ethlink): void {
  if (ethlink.port !== null) disconnectPort(context, tx, ethlink.port)
  if (ethlink.mux !== null) disconnectMux(context, tx, ethlink.mux)
  unwireNats(context, tx, ethlink)
  unwrap(context, tx, ethlink)
  dropMirror(tx, ethlink)
  unregister(context, tx, ethlink)
}

const setters = settersOf<'ethlink'>({
  vtag({ model }, tx, ethlink, vtag) {
    tx.asked = `give ${unitName(ethlink)} VLAN tag ${vtag}`
    const [nat] = natsOf(model, ethlink.id)
    if (vtag !== 0 && nat !== undefined)
      tx.refuse('EBUSY', `NAT ${fullName(nat)} uses it, whose frames have no tag`, 'wrap the VLAN interface itself in an ethlink')
    if (ethlink.port !== null) touchPort(tx, ethlink.port)
    tx.set(ethlink, 'vtag', vtag)
    tx.dirty.records.add(ethlink)
  },
  l2Name: (context, tx, ethlink, name) => (name === null ? disconnect(context, tx, ethlink) : connect(context, tx, ethlink, name)),
  mtuBytes: setMtu,
})

/** Wrap an interface, in place of another. */
function connect(context: Context, tx: Transaction, ethlink: Ethlink, name: string): void {
  tx.asked = `connect ${unitName(ethlink)} to interface ${name}`
  if (ethlink.l2Name === name) return
  const device = findInterface(context, tx, name)
  if (ethlink.l2Name !== null) unwrap(context, tx, ethlink)
  wrap(context, tx, ethlink, name, device)
}

function disconnect(context: Context, tx: Transaction, ethlink: Ethlink): void {
  tx.asked = `disconnect ${unitName(ethlink)}`
  if (ethlink.l2Name === null) return
  unwrap(context, tx, ethlink)
  tx.dirty.records.add(ethlink)
}

/** The interface of the host that can be wrapped. */
function findInterface({ model, devices }: Context, tx: Transaction, name: string): Device {
  const device = devices.byName(name)
  if (device === undefined) {
    const wrappable = devices.all().filter((candidate) => !candidate.loopback && !isOurs(model, candidate))
    return tx.refuse(
      'ENODEV',
      'this host has no interface of that name',
      `it has ${wrappable.map((other) => other.name).join(', ') || 'none that could be wrapped'}`,
    )
  }
  if (device.loopback) tx.refuse('EINVAL', 'it is the loopback interface, which has no wire', 'choose another')
  for (const other of model.ofType('ethlink')) {
    if (other.l2Name === name || other.ifindex === device.ifindex)
      tx.refuse('EBUSY', `ethlink ${fullName(other)} wraps it`, 'destroy or disconnect that one first')
  }
  if (isOurs(model, device))
    tx.refuse('EBUSY', `it is the device of an object of this host${device.alias ? ` (${device.alias})` : ''}`, 'choose another')
  return device
}

function isOurs(model: Model, { ifindex, alias }: Device): boolean {
  return (model.devices.has(ifindex) && model.devices.get(ifindex)?.type !== 'ethlink') || alias?.startsWith('vpc:') === true
}

/** Set up an interface for the port or mux of the ethlink. */
export function wrap(
  context: Context,
  tx: Transaction,
  ethlink: Ethlink,
  name: string,
  { ifindex, mtuBytes, mac }: Pick<Device, 'ifindex' | 'mtuBytes' | 'mac'>,
): void {
  placed(context, tx, ethlink, () => {
    tx.set(ethlink, 'l2Name', name)
    tx.set(ethlink, 'ifindex', ifindex)
    tx.set(ethlink, 'deviceMtuBytes', mtuBytes)
    tx.set(ethlink, 'interfaceMac', macOf(mac))
    tx.put(context.model.devices, ifindex, ethlink)
  })
  tx.dirty.records.add(ethlink)
  serveEthlink(context, tx, ethlink)
  for (const nat of natsOf(context.model, ethlink.id)) announce(context, tx, nat, publicOf(nat))
}

/** Restore the interface. */
function unwrap(context: Context, tx: Transaction, ethlink: Ethlink): void {
  stopServing(context, tx, ethlink)
  placed(context, tx, ethlink, () => {
    tx.drop(context.model.devices, ethlink.ifindex)
    tx.set(ethlink, 'l2Name', null)
    tx.set(ethlink, 'ifindex', 0)
    tx.set(ethlink, 'deviceMtuBytes', 0)
    tx.set(ethlink, 'interfaceMac', null)
  })
}

/** The interface is gone. The ethlink waits for one with the same name. */
export function loseInterface(context: Context, tx: Transaction, ethlink: Ethlink): void {
  placed(context, tx, ethlink, () => {
    tx.drop(context.model.devices, ethlink.ifindex)
    tx.set(ethlink, 'ifindex', 0)
    tx.set(ethlink, 'interfaceMac', null)
  })
  stopServing(context, tx, ethlink)
}

/** The interface has another MTU, MAC or name. */
export function noteInterface(context: Context, tx: Transaction, ethlink: Ethlink, { name, mtuBytes, mac }: Device): void {
  placed(context, tx, ethlink, () => {
    tx.set(ethlink, 'l2Name', name)
    tx.set(ethlink, 'deviceMtuBytes', mtuBytes)
    tx.set(ethlink, 'interfaceMac', macOf(mac))
  })
  tx.dirty.records.add(ethlink)
}

/** The MAC of an interface; null: it has none, like a tunnel. */
export const macOf = (mac: Uint8Array): Mac | null => (mac.length === 6 ? asMac(mac) : null)

/** Change an ethlink, with the tables of its port, and its mux with all that follows from the underlay. */
function placed(context: Context, tx: Transaction, ethlink: Ethlink, change: () => void): void {
  const { port, mux } = ethlink
  const before = shownMac(ethlink)
  if (port !== null) touchPort(tx, port)
  touchNatsOf(tx, context.model, ethlink.id)
  if (mux === null) change()
  else {
    withMtuFollowing(context, tx, mux, change)
    noteElsewhere(context, tx, mux)
    askHost(tx, mux)
    syncMux(context, tx, mux)
  }
  syncMirrorMac(context, tx, ethlink, before)
  touchNatsOf(tx, context.model, ethlink.id)
  if (port !== null) {
    touchPort(tx, port)
    noteRecords(tx, port)
  }
}

export const ethlinkType: ObjectType<'ethlink'> = {
  type: 'ethlink',
  create: createEthlink,
  dismantle: dismantleEthlink,
  state,
  setters,
  kept: ['promiscBefore', 'deviceMtuBytes'],
  operations: {
    ethlinkConnect: ({ context, tx, object, input: name }) => connect(context, tx, object, name),
    ethlinkDisconnect: ({ context, tx, object }) => disconnect(context, tx, object),
    ethlinkNameGet: ({ tx, object: { l2Name } }) => l2Name ?? tx.refuse('ENOTCONN', 'it wraps no interface'),
  },
  describe: (model, ethlink) => ({
    ...settingsToJson('ethlink', ethlink),
    port: ethlink.port?.id ?? null,
    mtuBytes: interfaceMtuBytes(model, ethlink),
    mtuSet: ethlink.mtuBytes !== null,
  }),
}
