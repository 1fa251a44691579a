/** Sizes of the datapath's tables: asked for, kept, raised and refused. Needs root. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { PrivateVpcd } from './private-vpcd.ts'
import { runVpc } from './run-vpc.ts'

const MUX = 'b1a7c2de-0c4d-4e57-9a05-3a2f5c6d7e80'
const LINK = '5c4acd32-1b8d-11e8-b408-0cc47a6c7d1e'
const port = (i: number): string => `fd436f9c-1f77-11e8-8002-0cc47a6c7d1${i}`

let vpcd: PrivateVpcd
before(async () => {
  vpcd = await PrivateVpcd.start('--table', 'fdb=2', '--table', 'ports=3')
  vpcd.ok('ethlink', 'create', '-E', LINK)
  vpcd.ok('ethlink', 'connect', '-E', LINK, '-n', 'em0')
  vpcd.ok('mux', 'create', '-M', MUX)
  vpcd.ok('mux', 'connect', '-M', MUX, '-I', LINK)
  vpcd.ok('mux', 'listen', '-M', MUX, '--listen-addr', '192.0.2.1:4789')
})
after(() => vpcd?.[Symbol.asyncDispose]())

const fte = (i: number): string[] => [
  'mux',
  'fte',
  'set',
  '-M',
  MUX,
  '--vni',
  '5001',
  '--mac',
  `02:00:00:00:00:0${i}`,
  '--vtep',
  '192.0.2.2',
]
const restart = async (...options: string[]): Promise<void> => {
  assert.equal(await vpcd.stopDaemon(), 0)
  await vpcd.startDaemon(...options)
}
const refusedStart = async (pattern: RegExp, ...options: string[]): Promise<void> => {
  await vpcd.stopDaemon()
  await assert.rejects(vpcd.startDaemon(...options), pattern)
}

test('a full table names itself, its size, and the option that raises it', () => {
  for (const i of [1, 2]) vpcd.ok(...fte(i))
  assert.match(vpcd.refused(1, ...fte(3)), /: table fdb is full, it takes 2 entries; remove some, or start vpcd with --table fdb=NUMBER$/)
  const SW = 'da64c3f3-095d-91e5-df01-5aabcfc52468'
  vpcd.ok('switch', 'create', '--switch-id', SW, '--vni', '5001')
  const add = (i: number): string[] => ['switch', 'port', 'add', '--switch-id', SW, '--port-id', port(i)]
  for (const i of [0, 1]) vpcd.ok(...add(i))
  assert.match(vpcd.refused(1, ...add(2)), /table stats has 3 entries, one per port, mux and NAT.* start vpcd with --table ports=NUMBER$/)
})

test('a table keeps its size, and gets another with all that is in it', async () => {
  await restart()
  assert.match(vpcd.refused(1, ...fte(3)), /takes 2 entries/)
  await restart('--table=fdb=3', '--table=ports=4')
  vpcd.ok(...fte(3))
  assert.match(vpcd.refused(1, ...fte(4)), /takes 3 entries/)
  assert.deepEqual(JSON.parse(vpcd.ok('--json', 'audit')).items, [])
  await refusedStart(
    /table fdb has 3 entries and does not fit into 2; ask for more by --table fdb=NUMBER, or remove entries first/,
    '--table=fdb=2',
  )
  await vpcd.startDaemon()
  assert.equal(vpcd.ok('mux', 'fte', 'list', '-M', MUX).match(/192\.0\.2\.2/g)?.length, 3)
})

test('after a boot with too small a table vpcd says so', async () => {
  await vpcd.stopDaemon()
  vpcd.forgetPins()
  await refusedStart(
    /vpc: the entries of the journal do not fit into table fdb, which has room for 2; ask for more by --table fdb=NUMBER/,
    '--table=fdb=2',
  )
  await vpcd.startDaemon('--table=fdb=5')
  assert.equal(vpcd.ok('mux', 'fte', 'list', '-M', MUX).match(/192\.0\.2\.2/g)?.length, 3)
})

test('what is not a size of a table is refused with the way out', () => {
  const refusal = (...tables: string[]): string => {
    const { code, stderr } = runVpc(['daemon', ...tables.flatMap((table) => ['--table', table])])
    assert.equal(code, 2)
    return stderr
  }
  assert.match(refusal('fbd=7'), /'fbd' is not a table whose size can be set; they are ports, port_addresses, vteps, fdb, /)
  assert.match(refusal('fdb'), /'' is not a whole number; write fdb=NUMBER/)
  assert.match(refusal('fdb=1e6'), /'1e6' is not a whole number; write fdb=NUMBER/)
  assert.match(refusal('fdb=7=8'), /'7=8' is not a whole number/)
  assert.match(refusal('fdb=0'), /table fdb cannot take 0 entries; write fdb=NUMBER, from 1 to 16777216/)
  assert.match(refusal('ports=262145'), /table ports cannot take 262145 entries; write ports=NUMBER, from 1 to 262144/)
})
