/** What a runtime asks for: by its environment and, as JSON, on standard input. */
import { CniError, errorCode } from './error.ts'

/** Versions of the specification, the newest first. */
export const versions = ['1.1.0', '1.0.0', '0.4.0', '0.3.1', '0.3.0'] as const

/** Operations that are not in every version, and the first that has them. */
export const since: Readonly<Record<string, (typeof versions)[number]>> = { CHECK: '0.4.0', GC: '1.1.0', STATUS: '1.1.0' }

/** A container's interface, as runtimes name it. */
export interface Attachment {
  readonly containerId: string
  readonly ifname: string
}

/** The network, as the administrator wrote it, and what the runtime adds. */
export interface NetworkConfig {
  readonly cniVersion: string
  readonly name: string
  /** `VPC/SUBNET`, or an id. */
  readonly subnet: string
  readonly groups: readonly string[]
  /** Context of `vpc login`; else the current one, or `server` and `tokenFile`. */
  readonly context?: string
  readonly server?: string
  readonly tokenFile?: string
  readonly ca?: string
  /** Where the plugin notes what it could not remove. */
  readonly stateDir: string
  readonly agentStateDir: string
  /** vpcd's socket. */
  readonly socket?: string
  readonly prevResult?: unknown
  /** What the runtime asks for itself. */
  readonly ips: readonly string[]
  readonly mac?: string
  /** GC: the attachments that are in use. */
  readonly valid?: readonly Attachment[]
}

type Json = Readonly<Record<string, unknown>>
type Env = Readonly<Record<string, string | undefined>>

const texts = ['context', 'server', 'tokenFile', 'ca', 'stateDir', 'agentStateDir', 'socket'] as const
const bad = (message: string): CniError => new CniError(errorCode.invalidConfig, `network configuration: ${message}`)

/** Read a configuration. Throws a CniError that says what is wrong with it. */
export function readConfig(text: string): NetworkConfig {
  const raw = parse(text)
  const { cniVersion, name, subnet, prevResult } = raw
  if (typeof cniVersion !== 'string' || !(versions as readonly string[]).includes(cniVersion))
    throw new CniError(errorCode.incompatibleVersion, `cniVersion ${JSON.stringify(cniVersion)} is not one of ${versions.join(', ')}`)
  if (typeof name !== 'string' || !/^[a-zA-Z0-9][\w.-]*$/.test(name) || name.length > 128)
    throw bad(`name is letters, digits, '_', '.' and '-', 128 at most, not ${JSON.stringify(name)}`)
  if (typeof subnet !== 'string' || subnet === '') throw bad('subnet is missing; it names a subnet of the cloud, such as "red/web"')
  if (raw.ipam !== undefined) throw bad('ipam has no meaning here: the cloud chooses the addresses; remove it')
  const own: Record<string, string> = {}
  for (const key of texts) {
    if (raw[key] === undefined) continue
    if (typeof raw[key] !== 'string' || raw[key] === '') throw bad(`${key} is a text, not ${JSON.stringify(raw[key])}`)
    own[key] = raw[key]
  }
  if ((own.server === undefined) !== (own.tokenFile === undefined)) throw bad('server and tokenFile go together')
  const valid = raw['cni.dev/valid-attachments']
  return {
    stateDir: '/var/lib/vpc-cni',
    agentStateDir: '/var/lib/vpc-agent',
    ...own,
    cniVersion,
    name,
    subnet,
    prevResult,
    groups: listOf(raw.groups, 'groups'),
    ...asked(raw),
    ...(valid !== undefined && { valid: readValid(valid) }),
  }
}

function parse(text: string): Json {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json
  } catch {
    // Said below.
  }
  throw new CniError(errorCode.undecodable, 'standard input has no network configuration: a map as JSON')
}

function listOf(value: unknown, what: string): readonly string[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string')) throw bad(`${what} is a list of texts`)
  return value
}

/** Addresses and MAC that the runtime asks for: by a capability or, as podman does, by arguments. */
function asked(raw: Json): Pick<NetworkConfig, 'ips' | 'mac'> {
  const runtime = (raw.runtimeConfig ?? {}) as Json
  const args = (((raw.args ?? {}) as Json).cni ?? {}) as Json
  const mac = runtime.mac ?? args.mac
  const ips = listOf(runtime.ips ?? args.ips, 'ips').map((each) => each.split('/')[0]!)
  return { ips, ...(typeof mac === 'string' && { mac }) }
}

function readValid(value: unknown): readonly Attachment[] {
  if (!Array.isArray(value)) throw bad('cni.dev/valid-attachments is a list')
  return value.map((each: Json) => {
    const { containerID, ifname } = each ?? {}
    if (typeof containerID !== 'string' || typeof ifname !== 'string')
      throw bad('each of cni.dev/valid-attachments has containerID and ifname')
    return { containerId: containerID, ifname }
  })
}

/** The container and the interface of the environment. */
export function readAttachment(env: Env): Attachment {
  const containerId = variable(env, 'CNI_CONTAINERID', /^[a-zA-Z0-9][\w.-]*$/)
  return { containerId, ifname: variable(env, 'CNI_IFNAME', /^(?!\.\.?$)[^\s/:,]{1,15}$/) }
}

/** A variable of the environment that must be there. */
export function variable(env: Env, name: string, pattern = /./): string {
  const value = env[name]
  if (value === undefined || value === '') throw new CniError(errorCode.invalidEnvironment, `${name} is not set`)
  if (!pattern.test(value)) throw new CniError(errorCode.invalidEnvironment, `${name} cannot be '${value}'`)
  return value
}
