/** The commands of docs/cloud-networks.md, exactly as printed, against a real API. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { RealApi } from '../agent/real-api.ts'
import { textOf } from '../sources.ts'
import { vpcPath } from './run-vpc.ts'

const api = new RealApi('127.0.0.1')
before(() => api.start())
after(() => api[Symbol.asyncDispose]())

test('every command works, in the order of the page', () => {
  const blocks = [...textOf('docs/cloud-networks.md').matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block!)
  assert.ok(blocks.length >= 6)
  const bin = join(api.directory, 'bin')
  mkdirSync(bin)
  symlinkSync(vpcPath, join(bin, 'vpc'))
  const env = { ...process.env, ...api.env, PATH: `${bin}:${process.env['PATH']}` }
  const run = (script: string) => spawnSync('sh', ['-eu', '-c', script], { encoding: 'utf8', env })
  for (const block of blocks) {
    const { status, stderr } = run(block)
    assert.equal(status, 0, `${block}\n${stderr}`)
  }
  const routes = JSON.parse(run('vpc route-table get far --vpc=gold --json').stdout) as { routes: { destination: string }[] }
  assert.equal(routes.routes[0]!.destination, '10.1.0.0/24')
})
