/**
 * The way from the host into a guest's network: a TCP connection out of the namespace of the services, from the address
 * of metadata. Guests are known there by addresses that their ports have (bpf/abi-guests.h).
 */
import { readdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { enterNetnsOf } from '#launch/enter-netns.ts'
import { isRunning, type ProcessMark } from '#system/process-mark.ts'
import { formatIp, isIpv4, ipFrom, type Ip } from '#wire/ip-address.ts'
import { VmError } from './vm-error.ts'

/** Ports that the programs let through, of the host's connections: HOST_PORTS of bpf/lib/service-address.h. */
const firstPort = 1008
const lastPort = 1023
const own = { 4: '169.254.169.254', 6: 'fd00:ec2::254' } as const

/** What vpcd writes of a guest for the metadata service, as far as it matters here. */
interface Facts {
  readonly id: string
  readonly incarnation: number
  readonly addresses: readonly string[]
}

export interface GuestWay {
  /** Processes of the services are in the namespace. */
  readonly pid: number
  /** The guest's own address, for people. */
  readonly guest: string
  /** By which the namespace knows it. */
  readonly known: string
  readonly family: 4 | 6
}

/** A hash of the guest's own address: place_of of bpf/lib/to-service.h. */
function placeOf(address: Ip): number {
  const bytes = Buffer.alloc(16)
  if (isIpv4(address)) bytes.set([0xff, 0xff, ...address], 10)
  else bytes.set(address)
  const mixed = [0, 4, 8, 12].reduce((all, at) => all ^ bytes.readUInt32LE(at), 0)
  return Math.imul(mixed, 0x9e3779b1) >>> 28
}

/** The address by which services know a guest. */
export function knownAddress(source: number, incarnation: number, address: Ip): string {
  const place = placeOf(address)
  const bytes = Buffer.alloc(isIpv4(address) ? 4 : 16)
  if (isIpv4(address)) bytes.writeUInt32BE((0x64400000 | (source << 8) | (place << 4) | (incarnation & 15)) >>> 0)
  else {
    bytes.writeUInt32BE(0xfd767063)
    bytes.writeUInt32BE(incarnation, 8)
    bytes.writeUInt32BE((source << 4) | place, 12)
  }
  return formatIp(bytes as Uint8Array as Ip)
}

const readJson = <T>(path: string): T => JSON.parse(readFileSync(path, 'utf8')) as T

function factsOf(runDir: string, port: string): { readonly source: number; readonly facts: Facts } | undefined {
  const directory = join(runDir, 'guests/metadata')
  // vpcd gives a file that it is still writing another name.
  for (const key of readdirSync(directory).filter((name) => /^\d+$/.test(name))) {
    const facts = readJson<Facts>(join(directory, key))
    if (facts.id === port) return { source: Number(key), facts }
  }
  return undefined
}

/** The way to the guest of a port. `runDir`: vpcd's. Throws VmError. */
export function wayTo(runDir: string, port: string): GuestWay {
  try {
    const mark = readJson<ProcessMark>(join(runDir, 'metadata.process'))
    const found = isRunning(mark) ? factsOf(runDir, port) : undefined
    const [first] = found?.facts.addresses ?? []
    if (found !== undefined && first !== undefined) {
      const address = ipFrom(first)
      const known = knownAddress(found.source, found.facts.incarnation, address)
      return { pid: mark.pid, guest: first, known, family: isIpv4(address) ? 4 : 6 }
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  throw new VmError(
    'failed',
    `no way leads from this host to the guest of port ${port}: its subnet has no metadata service, or the port has no address; vpc subnet set --metadata=on`,
  )
}

/**
 * Connect to a TCP port of the guest. This process is in the namespace of the services from then on. Throws VmError.
 */
export async function connectGuest({ pid, guest, known, family }: GuestWay, port: number, timeoutMs: number): Promise<Socket> {
  enterNetnsOf(pid)
  for (let localPort = lastPort; localPort >= firstPort; localPort--) {
    const socket = connect({ host: known, port, localAddress: own[family], localPort })
    const timer = setTimeout(() => socket.destroy(new Error('no answer')), timeoutMs)
    try {
      await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
      return socket
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code === 'EADDRINUSE' || code === 'EADDRNOTAVAIL') continue
      const why =
        code === 'ECONNREFUSED' ? 'nobody listens there' : `${message}; a guest answers once it has sent something to metadata or DNS`
      throw new VmError('failed', `cannot connect to port ${port} of the guest at ${guest}: ${why}`, { cause: error })
    } finally {
      clearTimeout(timer)
    }
  }
  throw new VmError('EBUSY', `the host has as many connections to ${guest} as it may have; close one`)
}
