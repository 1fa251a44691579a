/** Options that name a container: a network namespace by its name, or by a process in it. */
import { spawnSync } from 'node:child_process'
import { existsSync, readlinkSync } from 'node:fs'
import { markProcess } from '#system/process-mark.ts'
import { formatIp, fromMapped, isIpv4, parseIp, toMapped } from '#wire/ip-address.ts'
import { isMapped } from '#wire/ipv6-address.ts'
import { formatPrefix, nthAddress, parsePrefix, type Prefix } from '#wire/prefix.ts'
import { failure, success, type Result } from '#wire/result.ts'
import { isUsableAddress } from '#wire/usable-address.ts'
import { Failure, usageFailure } from './failure.ts'
import { integer, text, valueOption } from './option.ts'

export const guestOptions = {
  netns: text('network namespace of the container: a name under /run/netns', 'NAME'),
  pid: integer('a process of the container, whose network namespace it is', 'PID', 1, 4_194_304),
  container: text('container of podman, docker, LXC or systemd-nspawn, by name or id', 'NAME'),
  as: valueOption<string>('name of the interface in the container', {
    placeholder: 'NAME',
    parse: (given) => (/^[^\s/:,]{1,15}$/.test(given) ? success(given) : failure(`'${given}' cannot name an interface`)),
  }).default('eth0', 'eth0'),
}

interface Given {
  readonly netns?: string | undefined
  readonly pid?: number | undefined
  readonly container?: string | undefined
}

/** Throws a usage failure when more than one is given. */
export function checkOne({ netns, pid, container }: Given): void {
  if ([netns, pid, container].filter((each) => each !== undefined).length > 1)
    throw usageFailure('give one of --netns, --pid and --container')
}

/** What stays the same of it when it is made anew, or gone: podman and docker give a new container another id. */
export function guestKey(given: Given): string {
  checkOne(given)
  return given.netns ?? (given.container === undefined ? guestNetns(given) : `container:${given.container}`)
}

/** The namespace as a guest has it. Throws a Failure when it is not there, or is this command's own. */
export function guestNetns(given: Given): string {
  checkOne(given)
  const { netns, pid, container } = given
  if (netns !== undefined) return checkName(netns)
  if (container !== undefined) return `container:${nameOfContainer(container)}`
  if (pid === undefined) throw usageFailure('name the container: --netns NAME, --container NAME or --pid PID')
  const mark = markProcess(pid)
  if (mark === undefined) throw new Failure('failed', `there is no process ${pid}; is the container running?`, { code: 'ENOENT' })
  if (readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync('/proc/self/ns/net'))
    throw new Failure('conflict', `process ${pid} is in this host's own network namespace; name one of the container`, { code: 'EINVAL' })
  return `pid:${mark.pid}:${mark.startTicks}`
}

/** The network of a guest, and the address in it, by its form alone. */
export function readGuestAddress(given: string): Result<Prefix> {
  const bare = parseIp(given)
  if (!bare.ok) return parsePrefix(given)
  return failure(`'${given}' has no prefix length; write ${given}/${bare.value.length === 4 ? 24 : 64} if its network has that`)
}

/** An address that a person gives a guest, with the prefix length of its network. Refuses slips, too. */
export function parseGuestAddress(given: string): Result<string> {
  const read = readGuestAddress(given)
  if (!read.ok) return read
  const { address } = read.value
  if (!isIpv4(address) && isMapped(address))
    return failure(
      `'${given}' is an IPv4 address in the form of IPv6; write ${formatIp(fromMapped(address))} and the length of its network`,
    )
  const problem = stationProblem(read.value)
  return problem === undefined ? success(formatPrefix(read.value)) : failure(`'${given}' ${problem}`)
}

/** Why no station of a network has the address; undefined when one can. IPv6 has no broadcasts. */
function stationProblem(prefix: Prefix): string | undefined {
  const { address, length } = prefix
  if (!isUsableAddress(isIpv4(address) ? toMapped(address) : address)) return 'has an address that no unit can send from; choose another'
  if (!isIpv4(address) || length > 30) return undefined
  const text = formatIp(address)
  const nth = (n: number): string => formatIp(nthAddress(prefix, n)!)
  const such = `write one of its addresses, such as ${nth(1)}/${length}`
  if (text === nth(0)) return `is the network itself; ${such}`
  return text === nth(2 ** (32 - length) - 1) ? `has the broadcast address of its network; ${such}` : undefined
}

/** Who has the interface, in words. */
export const guestText = ({ netns, pid, container }: Given): string =>
  netns ?? (container === undefined ? `the namespace of process ${pid}` : `container ${container}`)

/** podman and docker know containers by ids in the kernel, which stay over a restart. */
function nameOfContainer(given: string): string {
  if (!/^\w[\w.-]{0,127}$/.test(given)) throw usageFailure(`--container: '${given}' cannot name a container`)
  for (const program of ['podman', 'docker']) {
    const { status, stdout } = spawnSync(program, ['inspect', '--type=container', '--format={{.Id}}', given], {
      encoding: 'utf8',
      timeout: 10_000,
    })
    if (status === 0 && /^[0-9a-f]{64}$/.test(stdout.trim())) return stdout.trim()
  }
  return given
}

function checkName(netns: string): string {
  if (netns.includes('/') || !existsSync(`/run/netns/${netns}`))
    throw new Failure('failed', `there is no network namespace ${netns} in /run/netns; ip netns add ${netns} makes it, or give --pid`, {
      code: 'ENOENT',
    })
  return netns
}
