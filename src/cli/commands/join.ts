/** `vpc join`. */
import { networkInterfaces } from 'node:os'
import { isIP, isIPv4 } from 'node:net'
import { defaultAgentPort, parseJoinToken } from '#feed/join.ts'
import { failure, success, type Result } from '#wire/result.ts'
import { agentStateDir } from '../agent-state-dir.ts'
import { command } from '../command.ts'
import { Failure, usageFailure } from '../failure.ts'
import { text, valueOption } from '../option.ts'
import { alreadySo, done } from '../outcome.ts'
import { packageVersion } from '../package-version.ts'

interface Address {
  readonly host: string
  readonly port: number
}

const defaultServer: Address = { host: '127.0.0.1', port: defaultAgentPort }
const vxlanPort = 4789

/** `HOST`, `HOST:PORT`, `[IPV6]:PORT` or an IPv6 address. */
function parseAddress(text: string, port: number): Result<Address> {
  if (isIP(text) === 6) return success({ host: text, port })
  const [, six, other, given] = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = six ?? other
  if (host === undefined || Number(given ?? port) > 65_535 || Number(given ?? port) < 1)
    return failure(`'${text}' is not ADDRESS or ADDRESS:PORT`)
  return success({ host, port: Number(given ?? port) })
}

/** Addresses with commas between. */
function parseServers(text: string): Result<readonly Address[]> {
  const all = text.split(',').map((each) => parseAddress(each, defaultAgentPort))
  const wrong = all.find((each) => !each.ok)
  return wrong ?? success(all.flatMap((each) => (each.ok ? [each.value] : [])))
}

/** An address, or the first one of an interface of this machine. Throws a Failure. */
function underlayOf(text: string): Address {
  const all = (networkInterfaces()[text] ?? []).filter(({ address }) => !address.startsWith('fe80:'))
  const found = all.find(({ address }) => isIPv4(address)) ?? all[0]
  if (found !== undefined) return { host: found.address, port: vxlanPort }
  const parsed = parseAddress(text, vxlanPort)
  if (parsed.ok && isIP(parsed.value.host) !== 0) return parsed.value
  throw usageFailure(`--underlay: '${text}' is neither an address nor an interface of this machine with an address`)
}

export default command({
  path: 'join',
  summary: 'make this machine a host of a cloud',
  description: `vpc host create NAME, which an operator runs at the cloud, prints the token and this command. The token is good for one host,
    one machine and one hour. This machine makes a key, which never leaves it, and gets a certificate for a week; the agent renews it.

    The machine speaks to the API alone whose CA the token names. When joining fails, nothing has changed; repeat it.`,
  positionals: [{ name: 'TOKEN', help: 'the join token' }],
  options: {
    server: valueOption<readonly Address[]>('where the API listens for agents; of several APIs, all, with commas between', {
      placeholder: 'ADDRESS[:PORT],…',
      parse: parseServers,
    }).default([defaultServer], `127.0.0.1:${defaultAgentPort}`),
    underlay: text('where other hosts reach this one', 'ADDRESS|INTERFACE').defaultsTo(
      'the address that this machine reaches the API from',
    ),
    stateDir: agentStateDir,
  },
  examples: [
    { line: 'vpc join TOKEN --server=10.0.0.1', does: 'join a cloud whose API runs on another machine' },
    { line: 'vpc join TOKEN --underlay=eth1', does: 'let other hosts reach this one by eth1' },
  ],
  async run({ server: [server, ...others], underlay: where, stateDir }, { output }, [given]) {
    const token = parseJoinToken(given!)
    const underlay = where === undefined ? undefined : underlayOf(where)
    if (token === undefined)
      throw usageFailure('that is not a join token: it is vpcjoin1. and three more parts, with dots between; vpc host create prints it')
    const { joinCloud } = await import('#agent/join.ts')
    const { JoinRefused } = await import('#agent/pinned-ca.ts')
    const { AgentStartRefused } = await import('#agent/state-dir.ts')
    try {
      const joined = await joinCloud({
        token,
        text: given!.trim(),
        server: server!,
        others,
        stateDir,
        underlay,
        version: packageVersion(),
        now: Date.now(),
      })
      const { host, name, server: url } = joined.identity
      if (joined.isSame) return alreadySo(output, `this machine is host ${name} already`, { host, name, server: url })
      const address = joined.underlay === null ? '' : `\nother hosts reach it at ${joined.underlay.host}, unless the cloud says otherwise`
      done(output, `this machine is host ${name} now${address}\nstart its vpcd and agent: vpc up`, { host, name, server: url })
    } catch (error) {
      if (error instanceof JoinRefused || error instanceof AgentStartRefused)
        throw new Failure('failed', error.message, { code: 'refused' })
      throw error
    }
  },
})
