/**
 * Two test machines as two hosts: their NICs are joined by a bridge of this network namespace, vpcd runs on both, and
 * each has one container of one customer, in its namespace `guest`.
 */
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateId, idMac } from '#abi/id.ts'
import { asMac, formatMac } from '#wire/mac.ts'
import { Machine, type Nic } from './machine.ts'
import { store } from './apt-root.ts'
import type { Kernel } from './packages.ts'

export const vni = 5001
const documents = join(store, 'documents')

/** What one of the two hosts is like. */
export interface HostWish {
  readonly kernel: Kernel
  readonly model?: Nic['model']
  /** False: ethtool switches off what the NIC can do for the stack. */
  readonly offloads?: boolean
}

export interface PairOptions {
  readonly hosts: readonly [HostWish, HostWish]
  /** Readies a host's underlay before vpcd starts; gives what the mux listens on. Without it: the NIC's own address. */
  readonly underlay?: (host: PairHost) => Promise<Underlay>
  /** What the mux of each host demands of the way to the other one, as `ipsec`. */
  readonly way?: string
}

/** The interface and address that a mux listens on. */
export interface Underlay {
  readonly device: string
  readonly address: string
}

/** One host: its machine, and its container. */
export interface PairHost {
  readonly number: 1 | 2
  readonly machine: Machine
  readonly address: string
  readonly guest: { readonly v4: string; readonly v6: string; readonly mac: string; readonly hostif: string }
}

export interface Pair extends AsyncDisposable {
  readonly hosts: readonly [PairHost, PairHost]
  /** The bridge, on which everything between the hosts can be seen. */
  readonly wire: string
}

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
const other = (number: 1 | 2): 1 | 2 => (number === 1 ? 2 : 1)
const nicMac = (number: number): string => `02:00:00:00:01:0${number}`

function makeWire(name: string): void {
  ip('link', 'add', name, 'type', 'bridge', 'mcast_snooping', '0')
  ip('link', 'set', name, 'addrgenmode', 'none', 'up')
  for (const number of [1, 2]) {
    ip('tuntap', 'add', 'dev', `${name}-${number}`, 'mode', 'tap')
    ip('link', 'set', `${name}-${number}`, 'addrgenmode', 'none', 'master', name, 'up')
  }
}

function removeWire(name: string): void {
  for (const device of [`${name}-1`, `${name}-2`, name]) ip('link', 'del', device)
}

const guestOf = (number: 1 | 2, hostif: string): PairHost['guest'] => ({
  v4: `10.0.0.${number}`,
  v6: `fd00::${number}`,
  mac: formatMac(asMac(idMac(hostif as ReturnType<typeof generateId>))),
  hostif,
})

/** What `vpc apply` makes of a host. */
function documentOf({ guest }: PairHost, peer: PairHost, underlays: readonly [Underlay, Underlay], way?: string): object {
  const [own, far] = underlays
  const entry = (mac: string): object => ({ vni, mac, vtep: far.address })
  const neighbours = [guest, peer.guest].flatMap(({ v4, v6, mac }) => [v4, v6].map((address) => ({ vni, address, mac })))
  const port = { unit: 'vpcp0', id: generateId('vpcp'), addresses: [guest.v4, guest.v6], interface: 'hostif0' }
  return {
    version: 1,
    ethlinks: [{ unit: 'ethlink0', id: generateId('ethlink'), 'l2-name': own.device }],
    muxes: [
      {
        unit: 'vpcmux0',
        id: generateId('vpcmux'),
        underlay: 'ethlink0',
        listen: `${own.address}:4789`,
        entries: [entry('00:00:00:00:00:00'), entry(peer.guest.mac)],
        ...(way !== undefined && { 'far-vteps': [`${far.address} ${way}`] }),
      },
    ],
    hostifs: [{ unit: 'hostif0', id: guest.hostif }],
    switches: [{ unit: 'vpcsw0', id: generateId('vpcsw'), vni, ports: [port], neighbours }],
  }
}

/** The NIC as the kernel first named it, up, with the host's address. */
async function bareUnderlay({ machine, address }: PairHost): Promise<Underlay> {
  await machine.must(`ip addr add ${address}/24 dev eth0 && ip link set eth0 up`)
  return { device: 'eth0', address }
}

const offload = 'rx off tx off sg off tso off gso off gro off'

/** Start vpcd on a machine, and wait until it serves. */
export async function startVpcd(machine: Machine): Promise<void> {
  const start = 'node bin/vpc.mjs daemon >/tmp/vpcd.log 2>&1 & vpcd=$!; echo $vpcd >/tmp/vpcd.pid'
  const wait = 'until [ -S /run/vpc/vpcd.sock ]; do kill -0 $vpcd || { cat /tmp/vpcd.log; exit 1; }; sleep 0.3; done'
  await machine.must(`(${start}; ${wait})`, 600_000)
}

/** Starts vpcd, which makes its half of the pair, and gives the container its interface. */
async function settle({ machine, guest }: PairHost, document: object): Promise<void> {
  // Process ids are of this run's own namespace, and other runs write here too.
  mkdirSync(documents, { recursive: true })
  const path = join(documents, `${randomUUID()}.json`)
  writeFileSync(path, JSON.stringify(document))
  await startVpcd(machine)
  // 3: vpcd was silent for too long, as it may be on a busy machine without KVM. It does what it was told, and the same
  // document changes nothing more.
  const again = '[ $code = 3 ] && kill -0 $(cat /tmp/vpcd.pid)'
  const apply = `while node bin/vpc.mjs apply ${path} </dev/null; code=$?; ${again}; do :; done`
  await machine.must(`( ${apply}; exit $code )`, 600_000)
  rmSync(path)
  await machine.must(
    [
      'ip netns add guest && ip link set hostif0 netns guest name eth0',
      `ip -n guest addr add ${guest.v4}/24 dev eth0 && ip -n guest addr add ${guest.v6}/64 dev eth0 nodad`,
      'ip -n guest link set lo up && ip -n guest link set eth0 up',
    ].join(' && '),
  )
}

async function boot(number: 1 | 2, { kernel, model = 'virtio-net-pci', offloads = true }: HostWish, wire: string): Promise<PairHost> {
  const nic = { model, tap: `${wire}-${number}`, mac: nicMac(number) }
  const machine = await Machine.boot({ name: `h${number}`, kernel, nics: [nic] })
  if (!offloads) await machine.must(`ethtool -K eth0 ${offload} 2>&1 || true; ethtool -k eth0 | grep -q '^tcp-segmentation-offload: off'`)
  return { number, machine, address: `192.0.2.${number}`, guest: guestOf(number, generateId('hostif')) }
}

/** Bring a pair up; says how far it is on standard error. */
export async function bringUpPair({ hosts: wishes, underlay = bareUnderlay, way }: PairOptions): Promise<Pair> {
  const wire = 'wire0'
  const machines: Machine[] = []
  makeWire(wire)
  const dispose = async (): Promise<void> => {
    for (const machine of machines) await machine[Symbol.asyncDispose]()
    removeWire(wire)
  }
  const began = Date.now()
  const say = (what: string): void => console.error(`kernels: ${what} after ${Math.round((Date.now() - began) / 1000)} s`)
  try {
    const booting = ([1, 2] as const).map((number) => boot(number, wishes[number - 1]!, wire))
    for (const one of booting) one.then(({ machine }) => machines.push(machine)).catch(() => {})
    const booted = await Promise.allSettled(booting)
    const hosts = booted.map((result) => {
      if (result.status === 'rejected') throw result.reason
      return result.value
    }) as [PairHost, PairHost]
    say(`${hosts.map(({ machine }) => `Linux ${machine.kernel.release}`).join(' and ')} are up`)
    const underlays = await Promise.all(hosts.map(underlay))
    await Promise.all(
      hosts.map((host) => {
        const peer = hosts[other(host.number) - 1]!
        return settle(host, documentOf(host, peer, [underlays[host.number - 1]!, underlays[peer.number - 1]!], way))
      }),
    )
    say('vpcd forwards on both')
    return { hosts, wire, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}
