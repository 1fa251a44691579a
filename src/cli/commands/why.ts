/** `vpc why`. */
import type { PathAnswer } from '#control/path/answer.ts'
import type { PathMatrix } from '#control/path/matrix.ts'
import type { SeenDrop } from '#feed/counters.ts'
import { isDropBetween } from '#feed/drop-ends.ts'
import { agentStateDir } from '../agent-state-dir.ts'
import type { ApiClient } from '../cloud/api-client.ts'
import { clientOf } from '../cloud/resource-actions.ts'
import { common } from '../cloud/resource-command.ts'
import { command } from '../command.ts'
import { exitCodes, usageFailure } from '../failure.ts'
import { integer, text } from '../option.ts'
import { peerOf } from '../trace-hops.ts'
import { askPrograms } from '../why-programs.ts'
import { disagreement, matrixText, whyText, type Why } from '../why-text.ts'

const port = (help: string) => integer(help, 'PORT', 0, 65_535)

export default command({
  path: 'why',
  summary: 'find what keeps one vnic from reaching another, or an address',
  description: `FROM is a vnic: its name, id or address. TO is another one, or an address inside or outside. Without a port it is a ping
    that is asked about.

    FROM may be an address outside, too, if TO is a vnic or a floating address. Then the packet comes in by the floating
    address of TO.

    The API follows the packet and its answer through the model: subnets, routers, routes, peerings, public addresses
    and the groups of both ends. It names the first thing that stands in the way, who changed that when, and the command
    that would allow it. It says which hosts do not yet do what the model says. Then come packets between the two that
    were dropped in the last hour. Where FROM is plugged in on this host, or comes in by a wire of it, the programs are asked as well,
    without any effect: see vpc trace. Where they disagree with the model, the last line says so.

    With --all: who may reach whom in a vpc, and on which ports. Vnics that nothing tells apart are one class.

    The exit code is 1 when the packet does not arrive, or nobody knows.`,
  options: {
    tcp: port('TCP to this port'),
    udp: port('UDP to this port'),
    sctp: port('SCTP to this port'),
    vpc: text('vpc of an address that several vpcs have', 'NAME', { names: 'vpc' }),
    all: text('the matrix of a vpc: vpc/NAME, or NAME', 'VPC'),
    peer: text('another vpcd to ask for the rest: its run directory, or ssh:[USER@]HOST', 'PEER').repeated,
    stateDir: agentStateDir,
    ...common,
  },
  positionals: [
    { name: 'FROM', help: 'a vnic: its name, id or address; or an address outside', isOptional: true },
    { name: 'TO', help: 'a vnic, or an address', isOptional: true },
  ],
  examples: [
    { line: 'vpc why web1 db1 --tcp=5432', does: 'why does the database not answer?' },
    { line: 'vpc why web1 198.51.100.7', does: 'can it ping the outside?' },
    { line: 'vpc why 198.51.100.7 web1 --tcp=443', does: 'can somebody outside connect to it?' },
    { line: 'vpc why --all=vpc/red', does: 'who may reach whom' },
  ],
  async run(values, { output, vpc: daemon }, [from, to]) {
    const { all, tcp, udp, sctp, vpc, peer, stateDir } = values
    const client = clientOf(values)
    if (all !== undefined) {
      if (from !== undefined) throw usageFailure('--all is about a whole vpc; leave FROM and TO out')
      const narrower = Object.entries({ tcp, udp, sctp, vpc, peer: peer[0] }).find(([, value]) => value !== undefined)
      if (narrower !== undefined) throw usageFailure(`--all tells all that passes in a vpc; leave --${narrower[0]} out`)
      const matrix = await matrixOf(client, all.replace(/^vpc\//, ''))
      output.result(matrix, () => matrixText(matrix))
      return exitCodes.ok
    }
    if (from === undefined || to === undefined) throw usageFailure('give FROM and TO, or --all=VPC')
    const ports = Object.entries({ tcp, udp, sctp }).filter(([, number]) => number !== undefined)
    if (ports.length > 1) throw usageFailure('give one of --tcp, --udp and --sctp')
    const [protocol, number] = ports[0] ?? []
    const answer = await answerOf(client, { from, to, vpc, protocol, port: number })
    const drops = await dropsBetween(client, answer)
    const programs = await askPrograms(answer, { vpcOf: daemon, stateDir, peers: peer.map(peerOf) })
    const why: Why = { ...answer, drops, programs, disagreement: disagreement(answer, programs) }
    output.result(why, () => whyText(why, output.style))
    return answer.verdict === 'reachable' && why.disagreement === null ? exitCodes.ok : exitCodes.failed
  },
})

async function matrixOf(client: ApiClient, vpc: string): Promise<PathMatrix> {
  const query = new URLSearchParams({ vpc })
  return (await client.must<PathMatrix>(`find who reaches whom in ${vpc}`, 'GET', `/path-check/matrix?${query}`)).body
}

async function answerOf(client: ApiClient, words: Readonly<Record<string, string | number | undefined>>): Promise<PathAnswer> {
  const given = Object.entries(words).flatMap(([word, value]) => (value === undefined ? [] : [[word, String(value)]]))
  const what = `find whether ${words['from']} reaches ${words['to']}`
  return (await client.must<PathAnswer>(what, 'GET', `/path-check?${new URLSearchParams(given)}`)).body
}

const mostDrops = 5

/** The newest drops between the two, as hosts have told the API; none where the user may not see them. */
async function dropsBetween(client: ApiClient, { from, to }: PathAnswer): Promise<SeenDrop[]> {
  const ends = [from, to].filter(({ kind }) => kind === 'vnic')
  const seen = await Promise.all(
    ends.map(async ({ id }) => {
      const vnic = await client.ask('GET', `/vnics/${id}`)
      const answer = vnic.status === 200 ? await client.ask('GET', `/vpcs/${vnic.body.vpc}/drops`) : undefined
      return answer?.status === 200 ? (answer.body as { drops: SeenDrop[] }).drops : []
    }),
  )
  const unique = new Map(
    seen
      .flat()
      .filter((drop) => isDropBetween(drop, [from, to]))
      .map((drop) => [JSON.stringify(drop), drop]),
  )
  return [...unique.values()].toSorted((a, b) => (a.time < b.time ? 1 : -1)).slice(0, mostDrops)
}
