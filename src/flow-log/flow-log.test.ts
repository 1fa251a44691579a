/** Flow logs without a kernel: what becomes of looks at a table, and places that are slow, away or refuse. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { createServer } from 'node:http'
import { createServer as createStreams, type Socket } from 'node:net'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { operations } from '#abi/command.ts'
import { encodeFrame, frameKind, FrameReader, type Frame } from '#abi/frame.ts'
import type { FlowInfo } from '#abi/info.ts'
import { Vpc } from '#client/vpc.ts'
import { createLog } from '#system/log.ts'
import { takeCheckpoint, writeCheckpoint } from './checkpoint.ts'
import { Outlet, Refused } from './destination.ts'
import { RotatedFile } from './file.ts'
import { FlowLog } from './flow-log.ts'
import { HttpDestination } from './http.ts'
import { Ipfix } from './ipfix.ts'
import { emptyRecord, isSampled, type FlowRecord } from './record.ts'
import { parseSyslogAddress, Syslog } from './syslog.ts'
import { FlowTracker } from './tracker.ts'

const start = Date.parse('2026-01-31T12:00:00Z')
const flow = (more: Partial<FlowInfo>): FlowInfo => ({
  port: 'vpcp0',
  protocol: 'tcp',
  inside: '10.0.0.2',
  outside: '10.0.0.1',
  insidePort: 80,
  outsidePort: 40_000,
  state: 'established',
  begun: 'in',
  rule: 'rule 10 of group0 (web)',
  idleSeconds: 0,
  ageSeconds: 0,
  packetsIn: 3,
  bytesIn: 300,
  packetsOut: 2,
  bytesOut: 200,
  confirmed: true,
  ...more,
})
const options = { idleMs: 60_000, activeMs: 300_000, sample: 1 }
const at = (second: number): number => start + second * 1000
const short = ({ event, packets, packetsBack }: FlowRecord): unknown[] => [event, packets, packetsBack]

test('a connection is one record, when it is over', () => {
  const tracker = new FlowTracker(options)
  assert.deepEqual(tracker.take([], at(0)), [])
  assert.deepEqual(tracker.take([flow({ ageSeconds: 1 })], at(4)), [])
  const over = flow({ state: 'closing', ageSeconds: 4, packetsIn: 9, bytesIn: 900, packetsOut: 8, bytesOut: 800 })
  assert.deepEqual(tracker.take([over], at(8)), [])
  const [record, ...more] = tracker.take([{ ...over, ageSeconds: 9, idleSeconds: 4 }], at(12))
  assert.deepEqual(more, [])
  assert.deepEqual(record, {
    ...emptyRecord,
    event: 'end',
    verdict: 'accepted',
    start: '2026-01-31T12:00:03.000Z',
    end: '2026-01-31T12:00:08.000Z',
    port: 'vpcp0',
    direction: 'in',
    protocol: 'tcp',
    source: '10.0.0.1',
    sourcePort: 40_000,
    destination: '10.0.0.2',
    destinationPort: 80,
    packets: 9,
    bytes: 900,
    packetsBack: 8,
    bytesBack: 800,
    rule: 'rule 10 of group0 (web)',
  })
  assert.deepEqual([...tracker.take([], at(16)), ...tracker.end()], [])
})

test('one that the table forgets between two looks is written all the same, and the next of the same ends is another', () => {
  const tracker = new FlowTracker(options)
  tracker.take([], at(0))
  tracker.take([flow({ state: 'closing' })], at(4))
  assert.deepEqual(tracker.take([], at(8)).map(short), [['end', 3, 2]])
  tracker.take([flow({ state: 'established', packetsIn: 7 })], at(12))
  assert.deepEqual(tracker.take([flow({ ageSeconds: 1, packetsIn: 8 })], at(16)).map(short), [['end', 7, 2]])
  assert.deepEqual(tracker.end().map(short), [['continues', 8, 2]])
})

test('idle flows and long ones are written, and no packet twice', () => {
  const tracker = new FlowTracker(options)
  tracker.take([], at(0))
  tracker.take([flow({ protocol: 'udp' })], at(4))
  assert.deepEqual(tracker.take([], at(60)), [])
  assert.deepEqual(tracker.take([], at(64)).map(short), [['end', 3, 2]])
  tracker.take([flow({ protocol: 'udp', ageSeconds: 96, packetsIn: 5 })], at(100))
  assert.deepEqual(tracker.take([], at(160)).map(short), [['end', 2, 0]])
  const long = new FlowTracker({ ...options, activeMs: 10_000 })
  long.take([], at(0))
  const records = [4, 8, 12, 16, 20, 24].flatMap((s) => long.take([flow({ ageSeconds: s, packetsIn: s })], at(s)))
  assert.deepEqual(records.map(short), [['continues', 16, 2]])
})

test('what was there before the log counts from its begin on', () => {
  const tracker = new FlowTracker(options)
  assert.deepEqual(tracker.take([flow({ ageSeconds: 500 })], at(0)), [])
  tracker.take([flow({ ageSeconds: 504, packetsIn: 4 })], at(4))
  const [record] = tracker.take([], at(70))
  assert.deepEqual([...short(record!), record!.start], ['end', 1, 0, new Date(at(0)).toISOString()])
})

test('a sample has whole flows, and about as many as it says', () => {
  const keys = Array.from({ length: 20_000 }, (_, i) => `vpcp0 tcp 10.0.0.1 ${i}`)
  const taken = keys.filter((key) => isSampled(key, 10)).length
  assert.ok(taken > 1_500 && taken < 2_500, String(taken))
})

const records = (n: number, from = 0): FlowRecord[] => Array.from({ length: n }, (_, i) => ({ ...emptyRecord, packets: from + i }))
const quiet = (): void => {}

test('a place that is away gets what its queue holds, and hears how many were lost', async () => {
  let isAway = true
  const got: FlowRecord[] = []
  const outlet = new Outlet(
    {
      name: 'test',
      mostAtOnce: 3,
      async send(lines) {
        if (isAway) throw new Error('away')
        got.push(...lines.map((line) => JSON.parse(line) as FlowRecord))
      },
    },
    5,
    quiet,
  )
  outlet.put(records(5))
  outlet.put(records(4, 5))
  assert.deepEqual([outlet.waiting, outlet.lost], [5, 4])
  isAway = false
  assert.equal(await outlet.close(10_000), 4)
  assert.deepEqual(
    got.filter(({ event }) => event !== 'lost').map(({ packets }) => packets),
    [0, 1, 2, 3, 4],
  )
  assert.deepEqual(
    got.filter(({ event }) => event === 'lost').map(({ packets }) => packets),
    [4],
  )
})

test('a place that never answers does not hold the end', async () => {
  const outlet = new Outlet({ name: 'test', mostAtOnce: 3, send: () => Promise.reject(new Error('away')) }, 100, quiet)
  outlet.put(records(7))
  assert.equal(await outlet.close(50), 7)
})

test('refused records are lost, and the next ones go on', async () => {
  const got: number[] = []
  const outlet = new Outlet(
    {
      name: 'test',
      mostAtOnce: 1,
      async send([line]) {
        const { packets } = JSON.parse(line!) as FlowRecord
        if (packets === 1) throw new Refused('no')
        got.push(packets)
      },
    },
    100,
    quiet,
  )
  outlet.put(records(3))
  assert.deepEqual([await outlet.close(5_000), got], [1, [0, 2]])
})

test('a file is rotated, and full ones are kept as many as asked for', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'vpc-flow-log-'))
  try {
    const file = new RotatedFile({ path: join(directory, 'flows'), maxBytes: 25, keep: 2 })
    for (let i = 0; i < 8; i++) await file.send([`{"record":${i}}`])
    file.close()
    assert.deepEqual(readdirSync(directory).sort(), ['flows', 'flows.1', 'flows.2'])
    const numbers = ['flows.2', 'flows.1', 'flows'].flatMap((name) => readFileSync(join(directory, name), 'utf8').match(/\d/g) ?? [])
    assert.deepEqual(numbers.map(Number), [3, 4, 5, 6, 7].slice(-numbers.length))
    const again = new RotatedFile({ path: join(directory, 'flows'), maxBytes: 1_000, keep: 2 })
    await again.send(['{"record":8}'])
    again.close()
    assert.match(readFileSync(join(directory, 'flows'), 'utf8'), /7\}\n\{"record":8\}\n$/)
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test('an HTTP server that fails gets its lines again; one that refuses does not', async () => {
  const bodies: string[] = []
  const answers = [503, 200, 400]
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const part of request) body += String(part)
    bodies.push(`${request.headers.authorization} ${body}`)
    response.writeHead(answers.shift() ?? 200).end('x')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const to = new HttpDestination(
    `http://user:secret@127.0.0.1:${(server.address() as { port: number }).port}/in`.replace('user:secret@', ''),
    'abc',
  )
  const { signal } = new AbortController()
  await assert.rejects(to.send(['{}'], signal), /503/)
  await to.send(['{"a":1}', '{"a":2}'], signal)
  await assert.rejects(to.send(['{}'], signal), Refused)
  assert.equal(bodies[1], 'Bearer abc {"a":1}\n{"a":2}\n')
  server.closeAllConnections()
  server.close()
})

test('syslog messages are framed as RFC 5424 and RFC 6587 say, and a server that comes back is found', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'vpc-flow-log-'))
  const path = join(directory, 'log')
  const to = new Syslog({ path })
  const { signal } = new AbortController()
  try {
    await assert.rejects(to.send(['{}'], signal), /ENOENT/)
    let heard = ''
    const server = createStreams((socket) => void socket.setEncoding('utf8').on('data', (text) => (heard += String(text)))).listen(path)
    await once(server, 'listening')
    await to.send(['{"a":1}', '{"b":"ä"}'], signal)
    const deadline = Date.now() + 20_000
    while (!heard.includes('ä')) {
      assert.ok(Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    let rest = Buffer.from(heard)
    const messages: string[] = []
    while (rest.length > 0) {
      const space = rest.indexOf(' ')
      const length = Number(rest.subarray(0, space))
      messages.push(rest.subarray(space + 1, space + 1 + length).toString())
      rest = rest.subarray(space + 1 + length)
    }
    assert.equal(messages.length, 2)
    assert.match(messages[1]!, /^<134>1 \d{4}-\d\d-\d\dT[\d:.]+Z \S+ vpc-flow-log \d+ flow - \{"b":"ä"\}$/)
    to.close()
    server.close()
  } finally {
    rmSync(directory, { recursive: true })
  }
  assert.deepEqual(parseSyslogAddress('udp:[::1]:514'), { host: '::1', port: 514 })
  for (const bad of ['tcp:a:1', 'unix:log', 'udp:a', 'udp:a:0', 'udp:a:70000']) assert.equal(parseSyslogAddress(bad), undefined, bad)
})

test('a restart loses no packets, and counts none twice', () => {
  const directory = mkdtempSync(join(tmpdir(), 'vpc-flow-log-'))
  try {
    const path = join(directory, 'checkpoint')
    const first = new FlowTracker(options)
    first.take([], at(0))
    first.take([flow({ ageSeconds: 1 })], at(4))
    assert.deepEqual(first.end().map(short), [['continues', 3, 2]])
    writeCheckpoint(path, first.checkpoint(at(5)))
    const second = new FlowTracker({ ...options, checkpoint: takeCheckpoint(path) })
    const more = { packetsIn: 7, bytesIn: 700, packetsOut: 4, bytesOut: 400 }
    const looked = second.take(
      [
        flow({ ageSeconds: 7, ...more }),
        // It began while no log was there.
        flow({ outsidePort: 40_001, ageSeconds: 3 }),
        // It is older than the first log, which had not seen it.
        flow({ outsidePort: 40_002, ageSeconds: 300 }),
      ],
      at(10),
    )
    assert.deepEqual(looked, [])
    const records = second.end()
    assert.deepEqual(records.map(short), [
      ['continues', 4, 2],
      ['continues', 3, 2],
    ])
    assert.equal(records[0]!.start, new Date(at(5)).toISOString())
    // What a crash leaves is no old one.
    assert.equal(takeCheckpoint(path), undefined)
    const third = new FlowTracker(options)
    third.take([flow({ ageSeconds: 12, ...more })], at(15))
    assert.deepEqual(third.end(), [])
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test('a collector that could not be reached gets the templates before the first record', async () => {
  const [host, templateSet] = ['192.0.2.77', 2]
  const socket = createSocket('udp4').bind()
  await once(socket, 'listening')
  const ipfix = new Ipfix({ host, port: socket.address().port })
  const time = new Date(start).toISOString()
  const lines = [JSON.stringify({ ...emptyRecord, start: time, end: time, source: '10.0.0.1', destination: '10.0.0.2' })]
  try {
    // The namespace of the test has no way there yet.
    await assert.rejects(ipfix.send(lines), /ENETUNREACH|EHOSTUNREACH/)
    execFileSync('ip', ['address', 'add', `${host}/32`, 'dev', 'lo'])
    const arrived = once(socket, 'message')
    await ipfix.send(lines)
    const [message] = (await arrived) as [Buffer]
    assert.equal(message.readUInt16BE(16), templateSet)
  } finally {
    ipfix.close()
    socket.close()
  }
})

test('a flow log has begun once it has looked at the flows and vpcd tells it of drops, in either order', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'vpc-flow-log-'))
  const socketPath = join(directory, 'vpcd.sock')
  const { mgmtDropsFollow, mgmtFlowsActive } = operations
  for (const slow of [mgmtDropsFollow, mgmtFlowsActive]) {
    // It speaks the protocol of vpcd, and answers one operation only when it is told to.
    const sockets = new Set<Socket>()
    const held = Promise.withResolvers<() => void>()
    const fast = Promise.withResolvers<void>()
    const server = createStreams((socket) => {
      sockets.add(socket.on('error', () => {}))
      const frames = new FrameReader()
      const answer = ({ sequence, word }: Frame): void => {
        const payload = Buffer.from(word === mgmtFlowsActive.command ? '[]' : '')
        socket.write(encodeFrame({ sequence, kind: frameKind.reply, word: 0, payload }))
      }
      socket.on('data', (chunk) => {
        for (const frame of frames.push(chunk as Buffer).frames)
          if (frame.kind === frameKind.ctl && frame.word === slow.command) held.resolve(() => answer(frame))
          else {
            answer(frame)
            const isOther = frame.word === mgmtFlowsActive.command || frame.word === mgmtDropsFollow.command
            if (frame.kind === frameKind.ctl && isOther) fast.resolve()
          }
      })
    }).listen(socketPath)
    await once(server, 'listening')
    const stop = new AbortController()
    const [log, only, write] = [createLog({ out: { write: () => true } }), new Set<string>(), () => {}]
    const rest = { stateDir: directory, accepted: true, denied: true, only, log, write }
    const flowLog = new FlowLog({ ...options, ...rest, socketPath, intervalMs: 60_000 })
    let hasBegun = false
    const begun = Promise.withResolvers<void>()
    const running = flowLog.run(stop.signal, () => {
      hasBegun = true
      begun.resolve()
    })
    try {
      const release = await held.promise
      await fast.promise
      // Whoever asks later hears later: all that was answered before has arrived.
      await (await new Vpc({ socketPath }).mgmt()).close()
      assert.equal(hasBegun, false, slow.name)
      release()
      await begun.promise
    } finally {
      stop.abort()
      for (const socket of sockets) socket.destroy()
      server.close()
      await running
    }
  }
  rmSync(directory, { recursive: true })
})
