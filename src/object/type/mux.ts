/** A VXLAN multiplexer: carries the VNIs of this host to other hosts. */
import { idTypeCode, type Id } from '#abi/id.ts'
import { vxlanPort } from '#abi/layouts.ts'
import { typeNameOf, typeNoun } from '#abi/object-type.ts'
import { initialSettings, settingsToJson } from '#abi/settings.ts'
import { formatEndpoint, type Endpoint } from '#wire/endpoint.ts'
import type { Context } from '../context.ts'
import type { Call } from '../operation.ts'
import { EntryStore } from '../store/entry-store.ts'
import { fullName, persistentId, unitName, type Ethlink, type Model, type Mux } from '../store/model.ts'
import { freeSource, newBase, register, unregister } from '../store/registry.ts'
import type { Transaction } from '../store/transaction.ts'
import { toVpcError } from '../vpc-error.ts'
import { serveEthlink } from './ethlink-service.ts'
import { inService } from './mtu.ts'
import { checkGuards, dropGuards, keepGuards } from './mux-guards.ts'
import { deviceMtuBytes, setMtu, touchEnds, touchMux, withMtuFollowing } from './mtu-follow.ts'
import { askHost, touchWays, unasked } from './mux-direct.ts'
import { deleteEntries, setEntries, setPlainEntries, withoutFlags } from './mux-entries.ts'
import { askPaths } from './mux-paths.ts'
import { addPortsRight, dropWays } from './mux-ways.ts'
import { originalEntries, toFte } from './original-entries.ts'
import { checkListen } from './mux-listen.ts'
import { type ObjectType, type Row, settersOf, type State } from './type.ts'
import { clearUsed, listFlagged } from './used-entries.ts'
import { dropDevice, makeMuxDevice, takeDevice } from './unit-device.ts'

const state = (): State<'vpcmux'> => ({
  underlay: null,
  entries: new EntryStore(),
  ifindex: 0,
  devicePort: 0,
  down: false,
  elsewhere: false,
  ways: new Set(),
  paths: new Map(),
  widestBytes: null,
  objections: unasked,
  source: 0,
})

/** Make a mux. It has a device from the start, so that its unit exists; `listen` decides its UDP port. */
function createMux(context: Context, tx: Transaction, id: Id): Mux {
  const source = freeSource(context, tx)
  const mux = register<Mux>(context, tx, { ...newBase(context.model, 'vpcmux', id), ...initialSettings('vpcmux'), ...state(), source })
  makeDevice(context, tx, mux, unusedPort(context))
  return mux
}

function dismantleMux(context: Context, tx: Transaction, mux: Mux): void {
  if (mux.underlay !== null) disconnectMux(context, tx, mux)
  dropGuards(context, tx, mux)
  withMtuFollowing(context, tx, mux, () => {
    tx.set(mux, 'listen', null)
    tx.set(mux, 'mtuBytes', null)
  })
  dropDevice(context, tx, mux)
  unregister(context, tx, mux)
}

const setters = settersOf<'vpcmux'>({
  mtuBytes: setMtu,
  direct(_, tx, mux, direct) {
    touchWays(tx, mux)
    tx.set(mux, 'direct', direct)
    tx.dirty.records.add(mux)
  },
  exclusive(context, tx, mux, exclusive) {
    touchWays(tx, mux)
    touchEnds(tx, mux)
    tx.set(mux, 'exclusive', exclusive)
    addPortsRight(context, tx, mux, [])
    tx.dirty.records.add(mux)
  },
  farVteps(context, tx, mux, farVteps) {
    tx.asked = `set the far VTEPs of ${unitName(mux)}`
    touchWays(tx, mux)
    withMtuFollowing(context, tx, mux, () => tx.set(mux, 'farVteps', farVteps))
    checkGuards(context, tx, mux)
    keepGuards(context, tx)
    askHost(tx, mux)
    askPaths(context, tx, mux, mux.entries.used.keys())
    context.datapath.tables.forgetWays()
    tx.dirty.records.add(mux)
  },
  listen(context, tx, mux, endpoint) {
    if (endpoint === null) return stopListening(context, tx, mux)
    tx.asked = `listen on ${formatEndpoint(endpoint)} with ${unitName(mux)}`
    if (mux.listen !== null && formatEndpoint(mux.listen) === formatEndpoint(endpoint)) return undefined
    checkListen(context, tx, mux, endpoint)
    return listenOn(context, tx, mux, endpoint)
  },
})

function stopListening(context: Context, tx: Transaction, mux: Mux): void {
  dropWays(context, tx, mux)
  withMtuFollowing(context, tx, mux, () => tx.set(mux, 'listen', null))
  keepGuards(context, tx)
  syncMux(context, tx, mux)
  tx.dirty.records.add(mux)
}

/** Use the interface that an ethlink wraps as the underlay, in place of another. */
function connectMux(context: Context, tx: Transaction, mux: Mux, ethlink: Ethlink): void {
  if (mux.underlay === ethlink) return
  if (ethlink.mux !== null) tx.refuse('EBUSY', `it is the underlay of ${fullName(ethlink.mux)}`, 'disconnect it there first')
  disconnectMux(context, tx, mux)
  withMtuFollowing(context, tx, mux, () => {
    tx.set(mux, 'underlay', ethlink)
    tx.set(ethlink, 'mux', mux)
  })
  checkGuards(context, tx, mux)
  serveEthlink(context, tx, ethlink)
  addPortsRight(context, tx, mux, [])
  askHost(tx, mux)
  syncMux(context, tx, mux)
  noteMux(tx, mux)
}

/** Disconnect the underlay. Hosts behind it are no longer reached. */
export function disconnectMux(context: Context, tx: Transaction, mux: Mux): void {
  const ethlink = mux.underlay
  if (ethlink === null) return
  noteMux(tx, mux)
  withMtuFollowing(context, tx, mux, () => {
    tx.set(mux, 'underlay', null)
    tx.set(ethlink, 'mux', null)
  })
  serveEthlink(context, tx, ethlink)
  dropWays(context, tx, mux)
  syncMux(context, tx, mux)
}

/**
 * Receive on an address and port. The kernel gives a device its UDP port for life, so another port needs another
 * device. It takes over, with all entries, before the old one goes.
 */
function listenOn(context: Context, tx: Transaction, mux: Mux, endpoint: Endpoint): void {
  withMtuFollowing(context, tx, mux, () => tx.set(mux, 'listen', endpoint))
  checkGuards(context, tx, mux)
  keepGuards(context, tx)
  if (mux.devicePort !== endpoint.port) {
    touchMux(tx, mux)
    dropDevice(context, tx, mux)
    makeDevice(context, tx, mux, endpoint.port)
    touchMux(tx, mux)
  }
  if (mux.underlay !== null) serveEthlink(context, tx, mux.underlay)
  addPortsRight(context, tx, mux, [])
  askHost(tx, mux)
  // Which of them are far depends on the port.
  if (mux.farVteps.length > 0) askPaths(context, tx, mux, mux.entries.used.keys())
  syncMux(context, tx, mux)
  noteMux(tx, mux)
}

/** Keep the device up, and with it the UDP port open, exactly while the mux carries frames. */
export function syncMux({ devices }: Context, tx: Transaction, mux: Mux): void {
  const { ifindex } = mux
  if (ifindex === 0) return
  const wanted = inService(mux)
  const up = devices.byIndex(ifindex)?.up ?? wanted
  if (up === wanted) return
  tx.did(() => devices.change(ifindex, { up }))
  try {
    devices.change(ifindex, { up: wanted })
  } catch (error) {
    if (toVpcError('', error).code !== 'EADDRINUSE') throw error
    tx.refuse(
      'EADDRINUSE',
      `UDP port ${mux.devicePort} is taken by another program of this host`,
      `choose another, or see who has it: ss -lunp`,
    )
  }
}

/** Give a mux a device for a UDP port. */
export function makeDevice(context: Context, tx: Transaction, mux: Mux, port: number): void {
  const name = unitName(mux)
  // While the old device exists, it has the name.
  const taken = context.devices.byName(name)?.alias === `vpc:${mux.id}`
  const device = makeMuxDevice(context, tx, mux, taken ? `${name}-${port}` : name, port)
  if (taken) tx.later(`rename ${device.name} to ${name}`, () => context.devices.change(device.ifindex, { name }))
  tx.set(mux, 'devicePort', port)
  takeDevice(context, tx, mux, device.ifindex)
}

/**
 * A UDP port for a device that does not receive yet: the kernel demands that it differ from those of other such
 * devices.
 */
export function unusedPort({ devices }: Context): number {
  const used = new Set(devices.all().map((device) => device.vxlanPort))
  let port = vxlanPort
  while (used.has(port)) port++
  return port
}

function noteMux(tx: Transaction, mux: Mux): void {
  tx.dirty.records.add(mux)
  if (mux.underlay !== null) tx.dirty.records.add(mux.underlay)
}

function findEthlink({ context: { model }, tx, object: mux, input: id }: Call<Mux, Id>): Ethlink {
  tx.asked = `connect ${unitName(mux)} to ${id}`
  const type = typeNameOf(idTypeCode(id))
  if (type === 'vpcp')
    tx.refuse('EOPNOTSUPP', 'it is the id of a port, and a mux needs none: it serves all switches of the host', 'connect it to an ethlink')
  if (type !== 'ethlink') {
    const what = type === undefined ? `byte 9 of it is ${idTypeCode(id)}, which is not a type` : `it is the id of ${typeNoun[type]}`
    tx.refuse('EINVAL', what, 'the underlay of a mux is an ethlink')
  }
  return (
    model.find('ethlink', id) ?? tx.refuse('ENOENT', 'there is no ethlink of that id on this host', 'create it with vpc ethlink create')
  )
}

/** Connect a mux as the journal has it. */
function join(_: Transaction, model: Model, mux: Mux, { underlay }: Row): void {
  const ethlink = typeof underlay === 'string' ? model.find('ethlink', underlay as Id) : undefined
  if (ethlink === undefined) return
  mux.underlay = ethlink
  ethlink.mux = mux
}

export const muxType: ObjectType<'vpcmux'> = {
  type: 'vpcmux',
  create: createMux,
  dismantle: dismantleMux,
  state,
  setters,
  kept: ['source'],
  references: ({ underlay }) => ({ underlay: persistentId(underlay) }),
  join,
  operations: {
    vpcmuxListen: ({ context, tx, object, input }) => setters.listen(context, tx, object, input, {}),
    vpcmuxFteSet: setPlainEntries,
    vpcmuxFteFlagsSet: setEntries,
    vpcmuxFteFlagsList: listFlagged,
    vpcmuxFteUsedClear: clearUsed,
    vpcmuxFteDelete: deleteEntries,
    vpcmuxFteList: ({ object: { entries } }) => withoutFlags(entries.encode()),
    vpcmuxEntrySet: (call) => setPlainEntries({ ...call, input: toFte(call.input) }),
    vpcmuxEntryDelete: (call) => deleteEntries({ ...call, input: toFte(call.input) }),
    vpcmuxEntryList: ({ object: { entries } }) => originalEntries(entries.encode()),
    vpcmuxConnect(call) {
      const { context, tx, object: mux } = call
      connectMux(context, tx, mux, findEthlink(call))
    },
    vpcmuxDisconnect({ context, tx, object: mux }) {
      tx.asked = `disconnect ${unitName(mux)}`
      disconnectMux(context, tx, mux)
    },
    vpcmuxConnectedGet: ({ tx, object: { underlay } }) => underlay?.id ?? tx.refuse('ENOTCONN', 'it has no underlay'),
    vpcmuxListenGet: ({ tx, object: { listen } }) =>
      listen === null ? tx.refuse('ENOTCONN', 'it does not listen') : formatEndpoint(listen),
  },
  describe: (_, mux) => ({
    ...settingsToJson('vpcmux', mux),
    mtuBytes: deviceMtuBytes(mux),
    device: mux.ifindex === 0 ? 'missing' : unitName(mux),
    underlay: mux.underlay?.id ?? null,
    objections: mux.objections,
    entries: mux.entries.count,
  }),
}
