/** The commands of docs/routing.md, exactly as printed, against a real vpcd. Needs root. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { PrivateVpcd } from './private-vpcd.ts'
import { blocksOf } from './shown-pages.ts'

const [setUp] = blocksOf('routing', 'router')

/** Run lines as a script that ends with the first command that fails. */
function shell(vpcd: PrivateVpcd, script: string): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  return spawnSync('sh', ['-e', '-c', script], { encoding: 'utf8', env: { ...process.env, ...vpcd.env } })
}

test('two subnets and a router, as the page sets them up: once, twice, changed and taken down', async () => {
  await using vpcd = await PrivateVpcd.start()
  const must = (script: string): string => {
    const { status, stdout, stderr } = shell(vpcd, `${ids}\n${script}`)
    assert.deepEqual([status, stderr], [0, ''], script)
    return stdout
  }
  const ids = setUp!
    .split('\n')
    .filter((line) => line.startsWith('export'))
    .join('\n')
  const listed = [
    ' PREFIX       TARGET         TABLE',
    ' 10.1.0.0/24  local subnet0    all',
    ' fd01::/64    local subnet0    all',
    ' 10.2.0.0/24  local subnet1    all',
    ' fd02::/64    local subnet1    all',
    ' 10.9.0.0/16  via 10.1.0.5       0',
    ' 10.8.0.0/16  blackhole          0',
  ]
  const first = must(setUp!)
  assert.deepEqual(first.trimEnd().split('\n').slice(-listed.length), listed)
  assert.ok(must(setUp!).trimEnd().endsWith(listed.join('\n')), 'again')
  assert.match(must('vpc subnet get --subnet-id=$DB'), /ipv6 gateway {2}fd02::1/)
  assert.match(must('vpc subnet list'), /subnet0 +5001 +10.1.0.0\/24 +fd01::\/64 +vpcsw0 +vpcrtr0/)
  assert.match(must('vpc router list'), /vpcrtr0 +vpcsw0 +subnet0 subnet1 +2/)
  assert.match(must('vpc router get --router-id=$RTR'), /10.9.0.0\/16 via 10.1.0.5, 10.8.0.0\/16 blackhole/)

  const refused = shell(vpcd, `${ids}\nvpc subnet set --subnet-id=$DB --prefix4=10.1.0.128/25`)
  assert.notEqual(refused.status, 0)
  assert.match(refused.stderr, /10.1.0.128\/25 overlaps 10.1.0.0\/24 of subnet subnet0/)
  must('vpc subnet set --subnet-id=$DB --gateway4=10.2.0.254 --mtu=1400')
  must("vpc router set --router-id=$RTR --route='10.0.0.0/8 unreachable'")
  must('vpc router route del --router-id=$RTR --prefix=10.0.0.0/8')
  must('vpc subnet set --subnet-id=$DB --no-router')

  const document = must('vpc export')
  must('vpc router destroy --router-id=$RTR && vpc subnet destroy --subnet-id=$WEB && vpc switch destroy --switch-id=$SW')
  assert.equal(
    spawnSync('sh', ['-c', 'vpc apply -'], { input: document, encoding: 'utf8', env: { ...process.env, ...vpcd.env } }).status,
    0,
  )
  assert.equal(must('vpc export'), document)
})
