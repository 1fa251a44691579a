/**
 * Where the API of the package's unit listens. `vpc up` says it in a file of systemd beside the unit, unless an
 * administrator has said it in the API's own file, which is only read. `vpc down --purge` removes that file of systemd.
 */
import { mkdirSync, rmdirSync, rmSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { dirname } from 'node:path'
import { defaultAgentPort } from '#feed/join.ts'
import { readIfThere, replaceFile } from '#system/whole-file.ts'
import { isPlainObject } from '#wire/plain-object.ts'
import { hostText, parsePort } from '#wire/endpoint.ts'
import { Failure, usageFailure } from '../failure.ts'

export const apiConfigFile = '/etc/vpc/api.yaml'
export const dropInFile = '/etc/systemd/system/vpc-api.service.d/vpc-up.conf'

/** Where an API listens, and how others reach it. */
export interface ApiPlace {
  readonly listen: string
  readonly port: number
  /** The address and the port for the agents of hosts. */
  readonly agentHost: string
  readonly agentPort: number
  /** The cloud's own CA has signed its certificate. */
  readonly ownTls: boolean
  /** Its URL, for people. */
  readonly server: string
  /** ADDRESS:PORT, for the agents of hosts. */
  readonly agents: string
}

export interface WantedApi {
  /** An address of this machine; 127.0.0.1: for this machine alone. */
  readonly address: string
  /** The address was asked for, and is not a guess. */
  readonly isAsked: boolean
  /** Undefined: nobody asked for one. */
  readonly port?: number | undefined
  readonly agentPort?: number | undefined
}

/** What the API reads, and whether it runs. */
export interface ApiNow {
  readonly config: string
  /** Empty: there is none. */
  readonly dropIn: string
  readonly runs: boolean
}

type Values = Readonly<Record<string, unknown>>

/**
 * The file of systemd as `vpc up` wants it, empty for none, and where the API is then. Throws a Failure for a
 * configuration that `vpc up` cannot work with, and for options that contradict it.
 */
export async function planApi(
  { config, dropIn, runs }: ApiNow,
  wanted: WantedApi,
): Promise<{ readonly dropIn: string; readonly place: ApiPlace }> {
  const said = await valuesOf(config)
  if (said['tls-cert'] !== undefined) throw ofCertificate()
  if (['listen', 'port', 'agent-listen', 'own-tls'].some((key) => said[key] !== undefined)) {
    const place = placeOf(said, wanted.address)
    checkOptions(place, wanted)
    return { dropIn: '', place }
  }
  const before = placeOf(optionsIn(dropIn), wanted.address)
  // One that somebody has started by hand stays where its clients know it.
  const stays = !wanted.isAsked && (dropIn === '' ? runs : isHere(before.listen))
  const { port = before.port, agentPort = before.agentPort } = wanted
  const place = makePlace(stays ? before.listen : wanted.address, port, agentPort, wanted.address)
  return { dropIn: dropInFor(place), place }
}

/** Where an API is that listens at an address. `address`: where others reach this machine. */
export function makePlace(listen: string, port = 7473, agentPort = defaultAgentPort, address = listen): ApiPlace {
  return placeOf({ listen, port, 'agent-listen': `${hostText(listen)}:${agentPort}`, 'own-tls': listen !== '127.0.0.1' }, address)
}

function dropInFor({ listen, port, agentHost, agentPort, ownTls }: ApiPlace): string {
  if (listen === '127.0.0.1' && port === 7473 && agentPort === defaultAgentPort) return ''
  const words = [
    `--listen=${listen}`,
    `--port=${port}`,
    `--agent-listen=${hostText(agentHost)}:${agentPort}`,
    ...(ownTls ? ['--own-tls'] : []),
  ]
  return `# By vpc up: where other machines reach the API. vpc up --address=ADDRESS changes it; lines in
# ${apiConfigFile} hold instead from the next vpc up on.
[Service]
ExecStart=
ExecStart=/usr/bin/vpc api --config=${apiConfigFile} ${words.join(' ')}
`
}

const optionsIn = (dropIn: string): Values =>
  Object.fromEntries([...dropIn.matchAll(/ --([a-z-]+)(?:=(\S+))?/g)].map(([, key, value]) => [key, value ?? true]))

function placeOf(values: Values, address: string): ApiPlace {
  const { listen = '127.0.0.1', port = 7473, 'agent-listen': agentListen = defaultAgentPort } = values
  const ownTls = values['own-tls'] === true
  const [, six, four = '127.0.0.1', agentPort] = /^(?:(?:\[(.*)\]|(.*)):)?(\d+)$/.exec(String(agentListen)) ?? []
  if (agentPort === undefined)
    throw new Failure(
      'failed',
      `${apiConfigFile} says agent-listen: ${String(agentListen)}; no host can join that, write ADDRESS:PORT there`,
    )
  if (Number(port) === 0 || !parsePort(String(port)).ok)
    throw new Failure('failed', `${apiConfigFile} says port: ${String(port)}; nobody can log in there, write a number from 1 to 65535`)
  const reached = (host: string): string => hostText(isEverywhere(host) ? address : host)
  return {
    listen: String(listen),
    port: Number(port),
    agentHost: six ?? four,
    agentPort: Number(agentPort),
    ownTls,
    server: `${ownTls ? 'https' : 'http'}://${reached(String(listen))}:${String(port)}`,
    agents: `${reached(six ?? four)}:${agentPort}`,
  }
}

function checkOptions(place: ApiPlace, { address, isAsked, port, agentPort }: WantedApi): void {
  const wrong = [
    ...(isAsked && place.listen !== address && !isEverywhere(place.listen) ? [`--address=${address}`] : []),
    ...(port !== undefined && port !== place.port ? [`--port=${port}`] : []),
    ...(agentPort !== undefined && agentPort !== place.agentPort ? [`--agent-port=${agentPort}`] : []),
  ]
  if (wrong.length === 0) return
  const where = `${apiConfigFile} has the API at ${place.server}, for agents at ${place.agents}`
  throw usageFailure(`${wrong.join(', ')}: ${where}; change the file, or leave the option out`)
}

const ofCertificate = (): Failure =>
  new Failure(
    'failed',
    `${apiConfigFile} says tls-cert, and vpc up does not know by which name to log in. Do it by hand: systemctl enable --now vpc-issuer ` +
      'vpc-api; the first time vpc login --server=https://NAME:PORT, vpc host create and vpc join; then systemctl enable --now vpc-agent',
  )

const isEverywhere = (address: string): boolean => ['0.0.0.0', '::'].includes(address)
const isHere = (address: string): boolean =>
  isEverywhere(address) || Object.values(networkInterfaces()).some((all) => all?.some((each) => each.address === address) === true)

async function valuesOf(text: string): Promise<Values> {
  const { YamlText } = await import('#system/yaml-text.ts')
  const yaml = new YamlText(text)
  if (yaml.problem !== undefined) throw new Failure('failed', `${apiConfigFile}, line ${yaml.problem.line}: ${yaml.problem.message}`)
  const value = yaml.value() ?? {}
  if (!isPlainObject(value)) throw new Failure('failed', `${apiConfigFile} is not a list of options of vpc api and their values`)
  return value
}

/** Both files; empty where there is none. */
export const readApiFiles = (): Pick<ApiNow, 'config' | 'dropIn'> => ({
  config: readIfThere(apiConfigFile) ?? '',
  dropIn: readIfThere(dropInFile) ?? '',
})

/** Write the file of systemd whole; empty: remove it, with its directory if nothing else is in there. */
export function writeDropIn(text: string): void {
  if (text !== '') {
    mkdirSync(dirname(dropInFile), { recursive: true, mode: 0o755 })
    return replaceFile(dropInFile, text, 0o644)
  }
  rmSync(dropInFile, { force: true })
  try {
    rmdirSync(dirname(dropInFile))
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}
