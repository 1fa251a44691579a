/**
 * A NAT (vpcnat): stations of a router get public addresses. These are on the wire of an ethlink of this host, or on
 * another host's, which the packets reach by its VTEP.
 */
import { formatFloat, type Float } from '#abi/float.ts'
import type { Id } from '#abi/id.ts'
import { initialSettings, settingsToJson } from '#abi/settings.ts'
import { formatIp, toMapped, type Ip } from '#wire/ip-address.ts'
import { equal } from '#wire/struct.ts'
import type { Context } from '../context.ts'
import { listBlocks, listPorts } from '../nat-ports.ts'
import type { Call } from '../operation.ts'
import { fleetingProblem, fullName, unitName, type Ethlink, type Model, type Nat, type Router } from '../store/model.ts'
import { freeSource, newBase, register, unregister } from '../store/registry.ts'
import { switchOf } from '../store/routing.ts'
import { ethlinkOfNat, natsOf, routerOfNat, touchNat } from '../store/touch-nat.ts'
import type { Transaction } from '../store/transaction.ts'
import { gatewayOf, isOwn } from '../sync/projection/destination.ts'
import { isUsableAddress } from '#wire/usable-address.ts'
import { serveEthlink } from './ethlink-service.ts'
import { announce, publicOf } from './nat-announce.ts'
import { checkFloats } from './nat-floats.ts'
import { checkShared } from './nat-shared.ts'
import { type ObjectType, settersOf, type State } from './type.ts'

const state = (): State<'vpcnat'> => ({ source: 0 })

function createNat(context: Context, tx: Transaction, id: Id): Nat {
  const source = freeSource(context, tx)
  const nat = register<Nat>(context, tx, { ...newBase(context.model, 'vpcnat', id), ...initialSettings('vpcnat'), source })
  touchNat(tx, context.model, nat)
  return nat
}

function dismantleNat(context: Context, tx: Transaction, nat: Nat): void {
  touchNat(tx, context.model, nat)
  const ethlink = ethlinkOfNat(context.model, nat)
  unregister(context, tx, nat)
  if (ethlink !== undefined) serveEthlink(context, tx, ethlink)
}

/** Change a NAT; the tables follow. */
function change({ model }: Context, tx: Transaction, nat: Nat, act: () => void): void {
  touchNat(tx, model, nat)
  act()
  touchNat(tx, model, nat)
  tx.dirty.records.add(nat)
}

const setters = settersOf<'vpcnat'>({
  router(context, tx, nat, router, { floats = nat.floats, pool = nat.pool, shared = nat.shared }) {
    tx.asked = `have ${unitName(nat)} serve ${router === null ? 'no router' : `router ${router}`}`
    const named = router === null ? null : context.model.find('vpcrtr', router)
    if (named === undefined) tx.refuse('ENOENT', 'there is no router of that id on this host', 'create it first')
    if (nat.committed && named) refuseFleeting(tx, named)
    change(context, tx, nat, () => tx.set(nat, 'router', router))
    checkFloats(context.model, tx, { ...nat, pool }, floats)
    checkShared(context.model, tx, nat, shared === nat.shared ? shared : [])
  },
  ethlink(context, tx, nat, ethlink, { via = nat.via }) {
    tx.asked = `have ${unitName(nat)} use ${ethlink === null ? 'no ethlink' : `ethlink ${ethlink}`}`
    const named = ethlink === null ? null : checkEthlink(context.model, tx, ethlink)
    if (nat.committed && named) refuseFleeting(tx, named)
    if (ethlink !== null && via !== null) refuseBoth(tx, `the host ${formatIp(via.address)}`)
    const before = ethlinkOfNat(context.model, nat)
    change(context, tx, nat, () => tx.set(nat, 'ethlink', ethlink))
    for (const each of [before, ethlinkOfNat(context.model, nat)]) if (each !== undefined) serveEthlink(context, tx, each)
    announce(context, tx, nat, publicOf(nat))
  },
  via(context, tx, nat, via, { ethlink = nat.ethlink }) {
    tx.asked = `have ${unitName(nat)} send ${via === null ? 'to no other host' : `to the host ${formatIp(via.address)}`}`
    if (via !== null && !isUsableAddress(toMapped(via.address))) tx.refuse('EINVAL', 'that is not an address of a host', 'name its VTEP')
    const own = via === null ? undefined : [...context.model.ofType('vpcmux')].find((mux) => isOwn(mux, { ...vtepOf(via) }))
    if (own !== undefined)
      tx.refuse('EINVAL', `${fullName(own)} of this host listens there`, 'name the other host, or an ethlink of this one')
    if (via !== null && ethlink !== null) refuseBoth(tx, `ethlink ${ethlink}`)
    change(context, tx, nat, () => tx.set(nat, 'via', via))
  },
  prefix4: (context, tx, nat, prefix) => change(context, tx, nat, () => tx.set(nat, 'prefix4', prefix)),
  prefix6: (context, tx, nat, prefix) => change(context, tx, nat, () => tx.set(nat, 'prefix6', prefix)),
  gateway4: (context, tx, nat, gateway) => setGateway(context, tx, nat, 'gateway4', gateway),
  gateway6: (context, tx, nat, gateway) => setGateway(context, tx, nat, 'gateway6', gateway),
  pool(context, tx, nat, pool, { floats = nat.floats, shared = nat.shared }) {
    tx.asked = `give ${unitName(nat)} the public addresses ${pool.join(', ') || 'none'}`
    change(context, tx, nat, () => tx.set(nat, 'pool', pool))
    checkFloats(context.model, tx, nat, floats)
    checkShared(context.model, tx, nat, shared)
  },
  floats(context, tx, nat, floats) {
    tx.asked = `set the floating addresses of ${unitName(nat)}`
    setFloats(context, tx, nat, floats)
  },
  shared(context, tx, nat, shared) {
    tx.asked = `have stations share public addresses of ${unitName(nat)}`
    checkShared(context.model, tx, nat, shared)
    change(context, tx, nat, () => tx.set(nat, 'shared', shared))
    announce(context, tx, nat, publicOf(nat))
  },
  kept: (context, tx, nat, kept) => change(context, tx, nat, () => tx.set(nat, 'kept', kept)),
})

const vtepOf = ({ address, port }: NonNullable<Nat['via']>): Parameters<typeof isOwn>[1] => ({
  family: address.length === 4 ? 4 : 6,
  address,
  port,
  forward: false,
})

function refuseBoth(tx: Transaction, other: string): never {
  return tx.refuse('EINVAL', `its public addresses are behind ${other}`, 'they are in one place; take that one away first, with none')
}

/** What outlives vpcd names only what does. */
function refuseFleeting(tx: Transaction, named: Router | Ethlink): void {
  const problem = fleetingProblem(named)
  if (problem !== undefined) tx.refuse('EINVAL', ...problem)
}

/** Refuse to commit a NAT before what it names. */
export function checkKept(model: Model, tx: Transaction, nat: Nat): void {
  for (const named of [routerOfNat(model, nat), ethlinkOfNat(model, nat)]) if (named !== undefined) refuseFleeting(tx, named)
}

function checkEthlink(model: Model, tx: Transaction, id: Id): Ethlink {
  const ethlink = model.find('ethlink', id)
  if (ethlink === undefined)
    return tx.refuse('ENOENT', 'there is no ethlink of that id on this host', 'create it first, with vpc ethlink create')
  if (ethlink.vtag !== 0)
    tx.refuse('EINVAL', `frames of ${fullName(ethlink)} carry VLAN tag ${ethlink.vtag}`, 'wrap the VLAN interface itself in an ethlink')
  return ethlink
}

function setGateway(context: Context, tx: Transaction, nat: Nat, key: 'gateway4' | 'gateway6', gateway: Ip | null): void {
  tx.asked = `give ${unitName(nat)} ${gateway === null ? 'no gateway' : `gateway ${formatIp(gateway)}`}`
  if (gateway !== null && !isUsableAddress(toMapped(gateway))) tx.refuse('EINVAL', 'that is not an address of a router', 'choose another')
  const float = gateway === null ? undefined : nat.floats.find(({ address }) => equal(address, gateway))
  if (float !== undefined) tx.refuse('EADDRINUSE', `it is the floating address of ${formatIp(float.inside)}`, 'choose another')
  change(context, tx, nat, () => tx.set(nat, key, gateway))
}

function setFloats(context: Context, tx: Transaction, nat: Nat, floats: readonly Float[]): void {
  checkFloats(context.model, tx, nat, floats)
  const come = floats.filter((float) => !nat.floats.some((other) => formatFloat(other) === formatFloat(float)))
  change(context, tx, nat, () => tx.set(nat, 'floats', floats))
  announce(context, tx, nat, come)
}

type FloatsCall = Call<Nat, readonly Float[]>

/** Add floating addresses, each in place of the one with its public address. */
function addFloats({ context, tx, object: nat, input }: FloatsCall): void {
  tx.asked = `add floating addresses to ${unitName(nat)}`
  setFloats(context, tx, nat, [...nat.floats.filter(({ address }) => !input.some((other) => equal(other.address, address))), ...input])
}

/** Delete floating addresses by their public address. */
function deleteFloats({ context, tx, object: nat, input }: FloatsCall): void {
  tx.asked = `delete floating addresses of ${unitName(nat)}`
  for (const float of input)
    if (!nat.floats.some(({ address }) => equal(address, float.address)))
      tx.refuse('ENOENT', `it has no floating address ${formatIp(float.address)}`, 'vpc nat float list has them')
  setFloats(
    context,
    tx,
    nat,
    nat.floats.filter(({ address }) => !input.some((other) => equal(other.address, address))),
  )
}

/** A router is gone: NATs serve it no longer, and their floating addresses stand for nobody. */
export function leaveNats(context: Context, tx: Transaction, router: Router): void {
  for (const nat of natsOf(context.model, router.id))
    change(context, tx, nat, () => {
      tx.set(nat, 'router', null)
      tx.set(nat, 'floats', [])
    })
}

/** An ethlink is gone. */
export function unwireNats(context: Context, tx: Transaction, { id }: Ethlink): void {
  for (const nat of natsOf(context.model, id)) change(context, tx, nat, () => tx.set(nat, 'ethlink', null))
}

/** Why no packet passes a NAT; null: packets pass. */
function obstacleOf(model: Model, nat: Nat): string | null {
  const router = routerOfNat(model, nat)
  if (router === undefined) return 'it serves no router'
  if (switchOf(router) === null) return `router ${unitName(router)} joins no subnet`
  if (nat.via !== null) return gatewayOf(model, nat) === undefined ? `no mux of this host reaches ${formatIp(nat.via.address)}` : null
  const ethlink = ethlinkOfNat(model, nat)
  if (ethlink === undefined) return 'it has neither an ethlink nor a gateway host'
  return ethlink.ifindex === 0 ? `${unitName(ethlink)} has no interface` : null
}

/** Forget what the journal names and this host does not have: it was never committed. */
function join(_: Transaction, model: Model, nat: Nat): void {
  if (ethlinkOfNat(model, nat) === undefined) nat.ethlink = null
  if (routerOfNat(model, nat) !== undefined) return
  nat.router = null
  nat.floats = []
}

export const natType: ObjectType<'vpcnat'> = {
  type: 'vpcnat',
  create: createNat,
  dismantle: dismantleNat,
  state,
  setters,
  kept: ['source'],
  join,
  operations: { vpcnatFloatAdd: addFloats, vpcnatFloatDelete: deleteFloats, vpcnatBlocks: listBlocks, vpcnatPorts: listPorts },
  describe: (model, nat) => ({ ...settingsToJson('vpcnat', nat), obstacle: obstacleOf(model, nat) }),
}
