/**
 * The ways into and out of the tunnel side by side: the vxlan device both ways, direct decapsulation alone, both
 * direct. How docs/performance.md came to its choice: `node bench/ways.ts [ROUNDS]`.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { measure, scenarioSeconds } from './measure.ts'
import { vpcWith } from './peers/vpc.ts'
import { Progress } from './progress.ts'
import { report } from './report.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'vpc-ways-'))

/** Compile the programs with other defaults, and give the directory of the objects. */
function build(name: string, constants: Readonly<Record<string, 0 | 1>>): string {
  const directory = join(work, name)
  for (const part of ['bpf', 'scripts']) cpSync(join(root, part), join(directory, part), { recursive: true })
  for (const file of ['encap-direct.h', 'decap-direct.h']) {
    const path = join(directory, 'bpf/lib', file)
    let text = readFileSync(path, 'utf8')
    for (const [constant, value] of Object.entries(constants)) text = text.replace(`${constant} = 1`, `${constant} = ${value}`)
    writeFileSync(path, text)
  }
  execFileSync(join(directory, 'scripts/build-bpf'), { stdio: ['ignore', 'inherit', 'ignore'] })
  return join(directory, 'build/bpf')
}

const rounds = Number(process.argv[2] ?? 3)
try {
  const peers = [
    vpcWith('device', build('device', { vpc_direct_encap: 0, vpc_direct_decap: 0 })),
    vpcWith('direct decap', build('decap', { vpc_direct_encap: 0 })),
    vpcWith('direct both', build('both', {})),
  ]
  const conditions = { scope: 'cross-host', mtu: 1450, offload: true, entries: 1 } as const
  const effort = { rounds, seconds: 1 }
  const progress = new Progress(scenarioSeconds({ conditions, peers }, effort), (text) => process.stderr.write(`${text}\n`))
  console.log(report(await measure({ conditions, peers }, effort, progress)))
} finally {
  rmSync(work, { recursive: true, force: true })
}
