/** The commands of docs/nat.md, exactly as printed, against a real vpcd. Needs root. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { PrivateVpcd } from './private-vpcd.ts'
import { blocksOf } from './shown-pages.ts'

const exportsIn = (block: string): string[] => block.split('\n').filter((line) => line.startsWith('export'))
const [routing] = blocksOf('routing', 'router') as [string]
const [setUp, ...shared] = blocksOf('nat', 'nat') as [string, ...string[]]

test('public addresses, as the page sets them up: once, twice, changed, exported and applied', async () => {
  await using vpcd = await PrivateVpcd.start()
  const ids = [...exportsIn(routing), ...exportsIn(setUp)].join('\n')
  const shell = (script: string, input = ''): { status: number | null; stdout: string; stderr: string } =>
    spawnSync('sh', ['-e', '-c', `${ids}\n${script}`], { encoding: 'utf8', input, env: { ...process.env, ...vpcd.env } })
  const must = (script: string, input = ''): string => {
    const { status, stdout, stderr } = shell(script, input)
    assert.deepEqual([status, stderr], [0, ''], script)
    return stdout
  }
  must(routing)
  for (const _ of ['first', 'again'])
    assert.match(
      must(setUp),
      /router +vpcrtr0\n *ethlink +ethlink0\n[^]*pool +203.0.113.16\/28\n *shared +none\n *floats +203.0.113.20 to 10.1.0.5\n *obstacle +none/,
    )
  assert.match(must('vpc nat list'), /vpcnat0 +vpcrtr0 +ethlink0 +203.0.113.16\/28 +1/)
  assert.match(must('vpc nat float list --nat-id=$NAT'), /203.0.113.20 +10.1.0.5/)
  assert.match(must('vpc router route list --router-id=$RTR'), /0.0.0.0\/0 +igw +0/)
  assert.match(must('vpc nat float add --nat-id=$NAT --address=203.0.113.20 --inside=10.1.0.5'), /already|has 203.0.113.20 to 10.1.0.5/)
  must('vpc nat float add --nat-id=$NAT --address=203.0.113.20 --inside=10.1.0.6')
  const refused = shell('vpc nat float add --nat-id=$NAT --address=203.0.113.21 --inside=10.1.0.6')
  assert.notEqual(refused.status, 0)
  assert.match(refused.stderr, /10.1.0.6 has 203.0.113.20 already; a station has one public address/)

  for (const block of shared) must(block)
  assert.match(must('vpc nat get --nat-id=$NAT'), /shared +203.0.113.17/)
  assert.match(must('vpc export'), /kept:\n? .*10\.0\.0\.5/)

  const document = must('vpc export')
  must('vpc nat float remove --nat-id=$NAT --address=203.0.113.20')
  assert.match(must('vpc nat float remove --nat-id=$NAT --address=203.0.113.20'), /no floating address 203.0.113.20/)
  assert.match(must('vpc apply --dry-run -', document), /floats/)
  must('vpc apply -', document)
  assert.equal(must('vpc export'), document)
  must('vpc nat destroy --nat-id=$NAT')
  must('vpc apply -', document)
  assert.equal(must('vpc export'), document)
  assert.match(must('vpc apply --prune -', 'version: 1\n'), /./)
  assert.match(must('vpc audit'), /./)
})
