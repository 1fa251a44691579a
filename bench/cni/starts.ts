/**
 * How long an ADD, a DEL and a STATUS of vpc-cni take on a host of a cloud, as a package has it and as a checkout has
 * it, and the same of `ptp` of the CNI project, in turn: medians, and ours over theirs. `--rounds N`, `--json FILE`.
 * Needs a private world: `scripts/enclose node bench/cni/starts.ts`, after a build.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { copyDependencies } from '../../scripts/package/dependencies.ts'
import { writeJavaScript } from '../../scripts/package/javascript.ts'
import { container, ip, type Machine, removeMachines, twoMachines } from '../../test/cli/machines.ts'
import { spread } from '../spread.ts'

const root = join(import.meta.dirname, '../..')
const theirs = ['/usr/lib/cni', '/opt/cni/bin'].find((path) => existsSync(join(path, 'ptp')))

/** The published tree: what a package has below /usr/lib/vpc. */
export async function publishedTree(directory: string): Promise<string> {
  const tree = join(directory, 'vpc')
  await writeJavaScript(tree, { declarations: false })
  copyDependencies(tree)
  for (const name of readdirSync(join(root, 'node_modules')).filter((each) => /^(@koromix|node-linux-.*|\.bin)$/.test(each)))
    symlinkSync(join(root, 'node_modules', name), join(tree, 'node_modules', name))
  return tree
}

interface Way {
  readonly program: string
  readonly config: object
}

/** One call, in ms. It must succeed. */
function call(machine: Machine, { program, config }: Way, command: string, netns: string): number {
  const env = {
    PATH: process.env['PATH'],
    HOME: '/root',
    VPC_SOCKET: join(machine.directory, 'run/vpcd.sock'),
    CNI_PATH: theirs,
    CNI_COMMAND: command,
    CNI_CONTAINERID: netns,
    CNI_NETNS: `/run/netns/${netns}`,
    CNI_IFNAME: 'eth0',
  }
  const start = performance.now()
  const { status, stdout } = spawnSync('nsenter', [`--net=/run/netns/${machine.netns}`, program], {
    env,
    input: JSON.stringify(config),
    encoding: 'utf8',
  })
  const took = performance.now() - start
  assert.equal(status, 0, `${program} ${command}: ${stdout}`)
  return took
}

const commands = ['VERSION', 'STATUS', 'ADD', 'DEL'] as const
type Times = Record<string, number>

/** Medians in ms by way and command. */
export async function measureStarts(rounds: number): Promise<Record<string, Times>> {
  assert.ok(theirs !== undefined, 'there is no ptp of the CNI project; install containernetworking-plugins')
  const directory = mkdtempSync(join(tmpdir(), 'vpc-starts-'))
  try {
    const tree = await publishedTree(directory)
    const [h1] = twoMachines()
    h1.ok('up --name=h1')
    h1.ok('cloud router create r1 --vpc=default', '--interface', 'subnet=default')
    const own = {
      cniVersion: '1.1.0',
      name: 'red',
      type: 'vpc-cni',
      subnet: 'default/default',
      server: 'https://198.18.7.1:7473',
      tokenFile: join(h1.state, 'admin-token'),
      stateDir: join(directory, 'cni'),
      agentStateDir: h1.agentDir,
    }
    const ipam = { type: 'host-local', subnet: '10.99.0.0/16', dataDir: join(directory, 'ipam') }
    const ways: Record<string, Way> = {
      package: { program: join(tree, 'bin/vpc-cni.mjs'), config: own },
      checkout: { program: join(root, 'bin/vpc-cni.mjs'), config: own },
      ptp: { program: join(theirs, 'ptp'), config: { cniVersion: '1.0.0', name: 'p', type: 'ptp', ipam } },
    }
    const netns = container('box')
    const samples: Record<string, Record<string, number[]>> = {}
    for (let round = -1; round < rounds; round++)
      for (const [name, way] of Object.entries(ways))
        for (const command of commands) {
          // ptp of Debian 12 has no STATUS.
          if (name === 'ptp' && command === 'STATUS') continue
          const took = call(h1, way, command, netns)
          // The first round fills the caches.
          if (round >= 0) ((samples[name] ??= {})[command] ??= []).push(took)
        }
    ip('netns', 'del', netns)
    const medians = ([name, of]: [string, Record<string, number[]>]): [string, Times] => [
      name,
      Object.fromEntries(Object.entries(of).map(([command, values]) => [command, Math.round(spread(values).median)])),
    ]
    return Object.fromEntries(Object.entries(samples).map(medians))
  } finally {
    await removeMachines()
    rmSync(directory, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '15' }, json: { type: 'string' } } })
  const medians = await measureStarts(Number(values.rounds))
  for (const [name, of] of Object.entries(medians)) {
    const words = Object.entries(of).map(([command, ms]) => {
      const peer = medians['ptp']?.[command]
      return `${command} ${ms} ms${peer === undefined || name === 'ptp' ? '' : ` (${(ms / peer).toFixed(1)} times ptp)`}`
    })
    process.stdout.write(`${name}: ${words.join(', ')}\n`)
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ date: new Date().toISOString(), medians }, null, 2)}\n`)
}
