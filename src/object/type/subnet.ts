/** A subnet: the addresses of a VNI, and their gateway. A router joins it with other subnets of its switch. */
import { idTypeCode, type Id } from '#abi/id.ts'
import { typeNameOf, typeNoun } from '#abi/object-type.ts'
import { initialSettings, settingsToJson } from '#abi/settings.ts'
import { formatIp, fromMapped, isIpv4, toMapped, type Ip } from '#wire/ip-address.ts'
import { contains, formatPrefix, networkOf, nthAddress, type Prefix } from '#wire/prefix.ts'
import { equal } from '#wire/struct.ts'
import type { Context } from '../context.ts'
import type { Call } from '../operation.ts'
import { checkVniFree, claimSegments, subnetOf } from '../store/claims.ts'
import { addressKey } from '../store/keys.ts'
import { fullName, persistentId, unitName, type Model, type Router, type Subnet, type Switch } from '../store/model.ts'
import { newBase, register, unregister } from '../store/registry.ts'
import { networksOf, overlapping, routerOf, switchOf } from '../store/routing.ts'
import { touchSubnet } from '../store/touch-routing.ts'
import type { Transaction } from '../store/transaction.ts'
import { isUsableAddress } from '#wire/usable-address.ts'
import { checkNamedSubnet, touchNamedSubnet } from './group-use.ts'
import { checkRoutes, dropDeadRoutes } from './routes.ts'
import { followServices } from './services.ts'
import { serviceSetters } from './subnet-services.ts'
import { type ObjectType, type Row, settersOf, type State } from './type.ts'

const state = (): State<'subnet'> => ({ switch: null, router: null })

const createSubnet = (context: Context, tx: Transaction, id: Id): Subnet =>
  register<Subnet>(context, tx, { ...newBase(context.model, 'subnet', id), ...initialSettings('subnet'), ...state() })

function dismantleSubnet(context: Context, tx: Transaction, subnet: Subnet): void {
  leaveSwitchOf(context, tx, subnet)
  unregister(context, tx, subnet)
  followServices(context, tx)
}

const setters = settersOf<'subnet'>({
  vni({ model }, tx, subnet, vni) {
    tx.asked = `give subnet ${unitName(subnet)} VNI ${vni}`
    const { switch: sw, vni: before } = subnet
    if (sw !== null) checkVni(tx, model, sw, subnet, vni)
    change(tx, model, subnet, () => tx.set(subnet, 'vni', vni))
    if (sw === null) return
    claimSegments(tx, model, sw, [before, vni])
    checkGateways(tx, sw, subnet)
  },
  prefix4: (context, tx, subnet, prefix, { gateway4 = subnet.gateway4 }) => setPrefix(context, tx, subnet, 'prefix4', prefix, gateway4),
  prefix6: (context, tx, subnet, prefix, { gateway6 = subnet.gateway6 }) => setPrefix(context, tx, subnet, 'prefix6', prefix, gateway6),
  gateway4: (context, tx, subnet, gateway) => setGateway(context, tx, subnet, 'gateway4', gateway),
  gateway6: (context, tx, subnet, gateway) => setGateway(context, tx, subnet, 'gateway6', gateway),
  maxPacket({ model }, tx, subnet, bytes) {
    tx.asked = `give subnet ${unitName(subnet)} an MTU of ${bytes}`
    if (bytes !== 0 && bytes < 1280 && (subnet.prefix6 !== null || bytes < 68))
      tx.refuse('EINVAL', `packets of IPv${subnet.prefix6 === null ? '4 have 68' : '6 have 1280'} bytes at the least that it must take`)
    change(tx, model, subnet, () => tx.set(subnet, 'maxPacket', bytes))
  },
  ...serviceSetters,
  routeTable({ model }, tx, subnet, table) {
    tx.asked = `give subnet ${unitName(subnet)} route table ${table}`
    change(tx, model, subnet, () => tx.set(subnet, 'routeTable', table))
  },
})

function change(tx: Transaction, model: Model, subnet: Subnet, act: () => void): void {
  touchSubnet(tx, model, subnet)
  act()
  touchSubnet(tx, model, subnet)
}

/** Refuse a VNI that the switch cannot have, or that another subnet has. */
function checkVni(tx: Transaction, model: Model, sw: Switch, subnet: Subnet, vni: number): void {
  if (vni === 0) tx.refuse('EINVAL', 'VNI 0 is not encapsulated, and a subnet is one that all hosts have', 'choose a VNI with --vni')
  checkVniFree(tx, model, sw, vni, 'choose another with --vni')
  const other = subnetOf(sw, vni)
  if (other !== undefined && other !== subnet)
    tx.refuse('EEXIST', `VNI ${vni} is subnet ${fullName(other)} already`, 'a VNI is one subnet; choose another with --vni')
}

/** Bits of the longest prefix that has room for a gateway and a station. */
const longest = (address: Ip): number => (isIpv4(address) ? 30 : 126)

function checkPrefix(tx: Transaction, { address, length }: Prefix): void {
  const most = longest(address)
  if (length > most) tx.refuse('EINVAL', `a prefix of ${length} bits has no room for a gateway and a station`, `take ${most} bits or fewer`)
  const first = nthAddress({ address, length }, 1)!
  const linkLocal = isIpv4(address) ? address[0] === 169 && address[1] === 254 : address[0] === 0xfe && (address[1]! & 0xc0) === 0x80
  if (length === 0 || linkLocal || !isUsableAddress(toMapped(first)))
    tx.refuse(
      'EINVAL',
      `stations of a subnet cannot have addresses of ${formatPrefix({ address, length })}`,
      'choose a network of your own',
    )
}

/** Refuse a gateway that is not a station's address in the prefix. */
function checkInside(tx: Transaction, prefix: Prefix, gateway: Ip): void {
  if (!contains(prefix, gateway))
    tx.refuse(
      'EINVAL',
      `its gateway ${formatIp(gateway)} is outside of ${formatPrefix(prefix)}`,
      'choose one inside, or none for the first address',
    )
  const isFirst = equal(networkOf(prefix).address, gateway)
  const isLast = isIpv4(gateway) && !contains({ address: prefix.address, length: prefix.length }, following(gateway))
  if (isFirst || isLast)
    tx.refuse(
      'EINVAL',
      `${formatIp(gateway)} is the ${isFirst ? 'network' : 'broadcast'} address of ${formatPrefix(prefix)}`,
      'choose another',
    )
}

const following = (address: Ip): Ip =>
  nthAddress({ address: new Uint8Array(address.length) as Ip, length: 0 }, BigInt(`0x${Buffer.from(address).toString('hex')}`) + 1n) ??
  address

function setPrefix(
  context: Context,
  tx: Transaction,
  subnet: Subnet,
  key: 'prefix4' | 'prefix6',
  prefix: Prefix | null,
  gateway: Ip | null,
): void {
  tx.asked = `give subnet ${unitName(subnet)} ${prefix === null ? 'no prefix' : formatPrefix(prefix)}`
  if (prefix === null && gateway !== null)
    tx.refuse('EINVAL', `its gateway ${formatIp(gateway)} would be in no prefix`, 'take the gateway away first')
  if (prefix !== null) {
    checkPrefix(tx, prefix)
    if (gateway !== null) checkInside(tx, prefix, gateway)
    if (subnet.router !== null) refuseOverlap(tx, subnet.router, subnet, prefix)
  }
  change(tx, context.model, subnet, () => tx.set(subnet, key, prefix))
  touchNamedSubnet(context.model, tx, subnet)
  if (subnet.switch !== null && gateway === null) checkGateways(tx, subnet.switch, subnet)
  if (subnet.router !== null) checkRoutes(context, tx, subnet.router)
}

function setGateway(context: Context, tx: Transaction, subnet: Subnet, key: 'gateway4' | 'gateway6', gateway: Ip | null): void {
  tx.asked = `give subnet ${unitName(subnet)} ${gateway === null ? 'its first address as gateway' : `gateway ${formatIp(gateway)}`}`
  const prefix = key === 'gateway4' ? subnet.prefix4 : subnet.prefix6
  if (gateway !== null && prefix === null)
    tx.refuse('EINVAL', `it has no IPv${isIpv4(gateway) ? 4 : 6} prefix`, `give it one first, with --prefix${isIpv4(gateway) ? 4 : 6}`)
  if (gateway !== null) checkInside(tx, prefix!, gateway)
  change(tx, context.model, subnet, () => tx.set(subnet, key, gateway))
  if (subnet.switch !== null) checkGateways(tx, subnet.switch, subnet)
  if (subnet.router !== null) checkRoutes(context, tx, subnet.router)
}

function refuseOverlap(tx: Transaction, router: Router, subnet: Subnet, prefix: Prefix): void {
  const other = overlapping(router, subnet, prefix)
  if (other !== undefined)
    tx.refuse(
      'EEXIST',
      `${formatPrefix(prefix)} overlaps ${formatPrefix(other.prefix)} of subnet ${fullName(other.subnet)} in router ${fullName(router)}`,
      'choose another prefix, or take that subnet out of the router',
    )
}

/** Refuse a gateway whose address is a station's. */
function checkGateways(tx: Transaction, sw: Switch, subnet: Subnet): void {
  for (const { gateway } of networksOf(subnet)) {
    const key = addressKey(toMapped(gateway))
    const holder = [...sw.ports].find(({ vni, addresses }) => vni === subnet.vni && addresses.some((each) => addressKey(each) === key))
    if (holder !== undefined)
      tx.refuse('EADDRINUSE', `port ${fullName(holder)} has its gateway's address ${formatIp(gateway)}`, 'choose another gateway')
    if (sw.neighbours.vnis.get(subnet.vni)?.has(key) === true)
      tx.refuse(
        'EADDRINUSE',
        `a neighbour of VNI ${subnet.vni} has its gateway's address ${formatIp(gateway)}`,
        'delete it, or choose another gateway',
      )
  }
}

/** Put a subnet into a switch. A subnet without a VNI gets the switch's. */
export function joinSwitchOf({ model }: Context, tx: Transaction, subnet: Subnet, sw: Switch): void {
  tx.asked = `put subnet ${unitName(subnet)} into switch ${unitName(sw)}`
  if (subnet.switch === sw) return
  if (subnet.switch !== null) tx.refuse('EBUSY', `it is in switch ${fullName(subnet.switch)}`, 'take it out there first')
  checkNamedSubnet(model, tx, subnet, sw)
  const vni = subnet.vni === 0 ? sw.vni : subnet.vni
  checkVni(tx, model, sw, subnet, vni)
  tx.set(subnet, 'vni', vni)
  tx.set(subnet, 'switch', sw)
  tx.add(sw.subnets, subnet)
  claimSegments(tx, model, sw, [vni])
  checkGateways(tx, sw, subnet)
  touchSubnet(tx, model, subnet)
  touchNamedSubnet(model, tx, subnet)
}

/** Take a subnet out of its switch and of its router. */
export function leaveSwitchOf(context: Context, tx: Transaction, subnet: Subnet): void {
  const { switch: sw, vni } = subnet
  leaveRouter(context, tx, subnet)
  if (sw === null) return
  touchSubnet(tx, context.model, subnet)
  tx.set(subnet, 'switch', null)
  tx.drop(sw.subnets, subnet)
  touchNamedSubnet(context.model, tx, subnet)
  claimSegments(tx, context.model, sw, [vni])
}

/** Join a subnet to a router. */
export function joinRouter(context: Context, tx: Transaction, subnet: Subnet, router: Router): void {
  tx.asked = `put subnet ${unitName(subnet)} into router ${unitName(router)}`
  const { switch: sw } = subnet
  if (subnet.router === router) return
  if (subnet.router !== null)
    tx.refuse('EBUSY', `router ${fullName(subnet.router)} has it`, 'a subnet has one router; take it out there first')
  if (sw === null) return tx.refuse('EINVAL', 'it is in no switch', 'put it into one first')
  const others = switchOf(router)
  if (others !== null && others !== sw)
    tx.refuse(
      'EINVAL',
      `it is in switch ${fullName(sw)}, and the router joins subnets of ${fullName(others)}`,
      'reach it by a route to a peer',
    )
  const rival = routerOf(sw)
  if (rival !== null && rival !== router)
    tx.refuse('EBUSY', `router ${fullName(rival)} joins subnets of switch ${fullName(sw)}`, 'a switch has one router; use that one')
  for (const { prefix } of networksOf(subnet)) refuseOverlap(tx, router, subnet, prefix)
  tx.set(subnet, 'router', router)
  tx.add(router.subnets, subnet)
  touchSubnet(tx, context.model, subnet)
  checkRoutes(context, tx, router)
}

/** Take a subnet out of its router, with the routes by its stations. */
export function leaveRouter(context: Context, tx: Transaction, subnet: Subnet): void {
  const { router } = subnet
  if (router === null) return
  touchSubnet(tx, context.model, subnet)
  tx.set(subnet, 'router', null)
  tx.drop(router.subnets, subnet)
  touchSubnet(tx, context.model, subnet)
  dropDeadRoutes(context, tx, router)
}

type PlaceCall = Call<Subnet, Id | undefined>

/** The object of that type that the input names. */
function findPlace<T extends 'vpcsw' | 'vpcrtr'>({ context: { model }, tx, object, input: id }: PlaceCall, type: T): Switch | Router {
  tx.asked = `put subnet ${unitName(object)} into ${id}`
  const found = typeNameOf(idTypeCode(id!))
  if (found !== type) tx.refuse('EINVAL', `it is the id of ${found === undefined ? 'no type' : typeNoun[found]}`, `name ${typeNoun[type]}`)
  return model.find<'vpcsw' | 'vpcrtr'>(type, id!) ?? tx.refuse('ENOENT', 'there is none of that id on this host', 'create it first')
}

/** Take the subnet out of its router, unless a route needs it. */
function takeOut({ context, tx, object: subnet }: PlaceCall): void {
  tx.asked = `take subnet ${unitName(subnet)} out of its router`
  const { router } = subnet
  if (router === null) return
  touchSubnet(tx, context.model, subnet)
  tx.set(subnet, 'router', null)
  tx.drop(router.subnets, subnet)
  checkRoutes(context, tx, router)
}

/** Put a subnet where the journal has it. */
function join(_: Transaction, model: Model, subnet: Subnet, { switch: member, router: joined }: Row): void {
  const sw = typeof member === 'string' ? model.find('vpcsw', member as Id) : undefined
  const router = typeof joined === 'string' ? model.find('vpcrtr', joined as Id) : undefined
  if (sw === undefined) return
  subnet.switch = sw
  sw.subnets.add(subnet)
  if (router === undefined) return
  subnet.router = router
  router.subnets.add(subnet)
}

const gatewayText = (subnet: Subnet, length: 4 | 16): string | null => {
  const found = networksOf(subnet).find(({ gateway }) => gateway.length === length)
  return found === undefined ? null : formatIp(fromMapped(toMapped(found.gateway)))
}

export const subnetType: ObjectType<'subnet'> = {
  type: 'subnet',
  create: createSubnet,
  dismantle: dismantleSubnet,
  state,
  setters,
  kept: [],
  references: ({ switch: sw, router }) => ({ switch: persistentId(sw), router: sw === null ? null : persistentId(router) }),
  join,
  operations: {
    subnetSwitchSet(call) {
      const { context, tx, object, input } = call
      if (input !== undefined) return joinSwitchOf(context, tx, object, findPlace(call, 'vpcsw') as Switch)
      takeOut(call)
      leaveSwitchOf(context, tx, object)
    },
    subnetSwitchGet: ({ tx, object }) => object.switch?.id ?? tx.refuse('ENOENT', 'it is in no switch'),
    subnetRouterSet(call) {
      if (call.input === undefined) takeOut(call)
      else joinRouter(call.context, call.tx, call.object, findPlace(call, 'vpcrtr') as Router)
    },
    subnetRouterGet: ({ tx, object }) => object.router?.id ?? tx.refuse('ENOENT', 'no router joins it'),
  },
  describe: (_, subnet) => ({
    ...settingsToJson('subnet', subnet),
    switch: subnet.switch?.id ?? null,
    router: subnet.router?.id ?? null,
    gatewayAddress4: gatewayText(subnet, 4),
    gatewayAddress6: gatewayText(subnet, 16),
  }),
}
