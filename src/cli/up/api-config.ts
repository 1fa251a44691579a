/**
 * Where the API of the package's unit listens: lines that `vpc up` adds to its file, unless an administrator has said
 * there where it shall. `vpc down --purge` removes them.
 */
import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { defaultAgentPort } from '#feed/join.ts'
import { replaceFile } from '#system/whole-file.ts'
import { isPlainObject } from '#wire/plain-object.ts'
import { hostText } from '#wire/endpoint.ts'
import { Failure } from '../failure.ts'

export const apiConfigFile = '/etc/vpc/api.yaml'

/** Where an API is. */
export interface ApiPlace {
  /** Its URL, for people. */
  readonly server: string
  /** ADDRESS:PORT, for the agents of hosts. */
  readonly agents: string
  /** The cloud's own CA has signed its certificate. */
  readonly ownTls: boolean
}

export interface WantedApi {
  /** An address of this machine; 127.0.0.1: for this machine alone. */
  readonly address: string
  /** The address was asked for, and is not a guess. */
  readonly isAsked: boolean
  readonly port: number
  readonly agentPort: number
}

const head = '# By vpc up, where other machines reach this one. vpc up --address=ADDRESS changes it.\n'
const ownLines = new RegExp(`${RegExp.escape(head)}(?:(?:listen|own-tls|agent-listen|port): .*\n)*`)
const ofAdministrator = ['listen', 'port', 'agent-listen', 'own-tls', 'tls-cert'] as const

/** The file as `vpc up` wants it, and where the API is then. Throws a Failure for a file that is no YAML. */
export async function planApiConfig(before: string, wanted: WantedApi): Promise<{ readonly text: string; readonly place: ApiPlace }> {
  const others = await valuesOf(before.replace(ownLines, ''))
  if (ofAdministrator.some((key) => others[key] !== undefined)) return { text: before, place: placeOf(others, wanted) }
  const own = ownLines.exec(before)?.[0]
  const kept = own === undefined ? undefined : await valuesOf(own)
  if (kept !== undefined && !wanted.isAsked && isHere(String(kept['listen']))) return { text: before, place: placeOf(kept, wanted) }
  const lines = linesFor(wanted)
  const rest = before.replace(ownLines, '')
  const text = lines === '' ? rest : `${rest}${rest === '' || rest.endsWith('\n') ? '' : '\n'}${head}${lines}`
  return { text, place: placeOf(await valuesOf(lines), wanted) }
}

/** The file without what `vpc up` has added. */
export const withoutOwnLines = (text: string): string => text.replace(ownLines, '')

/** Values are quoted: `[2001:db8::1]:7474` is a list else. */
function linesFor({ address, port, agentPort }: WantedApi): string {
  if (address === '127.0.0.1' && port === 7473 && agentPort === defaultAgentPort) return ''
  const tls = address === '127.0.0.1' ? '' : 'own-tls: true\n'
  const own = port === 7473 ? '' : `port: ${port}\n`
  return `listen: "${address}"\n${tls}agent-listen: "${hostText(address)}:${agentPort}"\n${own}`
}

function placeOf(values: Readonly<Record<string, unknown>>, { address }: WantedApi): ApiPlace {
  const { listen = '127.0.0.1', port = 7473, 'agent-listen': agents = `127.0.0.1:${defaultAgentPort}` } = values
  const ownTls = values['own-tls'] === true
  const host = ['0.0.0.0', '::'].includes(String(listen)) ? address : String(listen)
  const scheme = ownTls || values['tls-cert'] !== undefined ? 'https' : 'http'
  const everywhere = /^(?:0\.0\.0\.0|\[::\])(?=:\d+$)/
  return { server: `${scheme}://${hostText(host)}:${String(port)}`, agents: String(agents).replace(everywhere, hostText(address)), ownTls }
}

const isHere = (address: string): boolean =>
  Object.values(networkInterfaces()).some((all) => all?.some((each) => each.address === address) === true)

async function valuesOf(text: string): Promise<Readonly<Record<string, unknown>>> {
  const { YamlText } = await import('#system/yaml-text.ts')
  const yaml = new YamlText(text)
  if (yaml.problem !== undefined) throw new Failure('failed', `${apiConfigFile}, line ${yaml.problem.line}: ${yaml.problem.message}`)
  const value = yaml.value() ?? {}
  if (!isPlainObject(value)) throw new Failure('failed', `${apiConfigFile} is not a list of options of vpc api and their values`)
  return value
}

/** The file; empty when there is none. */
export function readApiConfig(): string {
  try {
    return readFileSync(apiConfigFile, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

/** Write it whole. Everybody may read it. */
export const writeApiConfig = (text: string): void => replaceFile(apiConfigFile, text, 0o644)
