/**
 * The pages that lead through a cloud of two machines: their lines exactly as printed, in the order of the pages, and
 * what they show. The machines are namespaces; ssh from one to the other enters the other.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Machine, must } from '../../scripts/demo-machine.ts'
import { root, textOf } from '../sources.ts'
import { missingIn, until } from './machines.ts'
import { assertShown, blocksOf, isShown, PageReader, scenes, stepsOf, type Step } from './shown-pages.ts'

const directory = mkdtempSync(join(tmpdir(), 'vpc-pages-'))
const machines = new Map<string, Machine>()
const addresses: Readonly<Record<string, string>> = { h1: '203.0.113.1', h2: '203.0.113.2' }

before(async () => {
  chmodSync(directory, 0o755)
  for (const name of Object.keys(addresses)) {
    const machine = await Machine.start(name, `pages${process.pid}-${name}`, join(directory, name))
    machines.set(name, machine)
    machine.sh(`ln -s ${root}/examples ${root}/include /mnt`)
  }
  const [h1, h2] = [...machines.values()] as [Machine, Machine]
  // What h2 has as ssh enters h1; the name of the host is its first word.
  const ssh = `#!/bin/sh\nshift\nexec nsenter ${h1.into.join(' ')} sh -c "$*"`
  h2.sh(`mkdir /run/bin && echo '${ssh}' > /run/bin/ssh && chmod 755 /run/bin/ssh`)
  must('ip', 'link', 'add', 'em0', 'netns', h1.netns, 'type', 'veth', 'peer', 'name', 'em0', 'netns', h2.netns)
  for (const [i, { name, netns }] of [h1, h2].entries()) {
    must('ip', '-n', netns, 'addr', 'add', `${addresses[name]}/24`, 'dev', 'em0')
    must('ip', '-n', netns, 'link', 'set', 'em0', 'up')
    must('ip', '-n', netns, 'route', 'add', 'default', 'via', `203.0.113.${2 - i}`)
  }
})
after(() => {
  for (const machine of machines.values()) machine.end()
  rmSync(directory, { recursive: true, force: true })
})

const reader = new PageReader()

/** What a guest does all the time: one packet that passes, one that a group refuses, one from an address of nobody. */
const traffic = `to=10.0.0.12; [ $0 = web ] || to=10.0.0.2
ip addr add 10.0.0.200 dev lo
for from in "" "-I 10.0.0.200"; do ping -c 1 -W 0.1 $from $to; done
exec 3<>/dev/tcp/$to/443`

/** Start what goes on until Ctrl-C, and wait until it has printed what the page shows. Gives what stops it. */
async function start(step: Step): Promise<() => Promise<void>> {
  const { page, line, script, shown } = step
  assert.ok(shown.length > 0, `${page}, block of line ${line}: show what it prints`)
  const machine = machines.get(step.at)!
  const child = machine.background(`cd /mnt\nexec 2>&1\n${script}`)
  const ended = once(child, 'close')
  let text = ''
  child.stdout!.setEncoding('utf8').on('data', (part: string) => void (text += part))
  const stop = async (): Promise<void> => {
    process.kill(-child.pid!, 'SIGINT')
    const [code, signal] = (await ended) as [number | null, string | null]
    assert.ok(code === 0 || code === 130 || signal === 'SIGINT', `${page}, block of line ${line}: ended with ${code ?? signal}\n${text}`)
  }
  for (const end = Date.now() + 60_000; !isShown(step, text) && child.exitCode === null && Date.now() < end; await sleep(200))
    for (const guest of ['web', 'red1']) machine.sh(`timeout 1 ip netns exec ${guest} bash -c '${traffic}' ${guest}`)
  if (!isShown(step, text) && child.exitCode === null) process.kill(-child.pid!, 'SIGKILL')
  assertShown(step, text)
  return stop
}

const followed = new Set<string>()

/** Run what pages print, line by line, and look at what it shows; and steps of no page between them. */
async function follow(...pages: (string | Step)[]): Promise<void> {
  const steps = pages.flatMap((page) => (typeof page === 'string' ? stepsOf(page, textOf(`docs/${page}.md`)) : [page]))
  for (const { page, at } of steps) followed.add(`${page} at ${at}`)
  const stops: (() => Promise<void>)[] = []
  try {
    await followSteps(steps, stops)
  } finally {
    for (const stop of stops.toReversed()) await stop()
  }
}

async function followSteps(steps: readonly Step[], stops: (() => Promise<void>)[]): Promise<void> {
  for (const step of steps) {
    if (step.stays) {
      stops.push(await start(step))
      continue
    }
    await reader.follow(step, (script) => machines.get(step.at)!.sh(`set -e\nexport PATH=/run/bin:$PATH\ncd /mnt\n${script}`))
  }
}

test('first steps on one machine', () => follow('first-steps'))

test('two machines in ten minutes', () => follow('two-machines'))

test('how to do each task', () => follow('how-to'))

test('looking into a cloud: why, drops, captures, metrics, flow logs, the console', () =>
  follow('troubleshooting', 'why', 'agent', 'console', 'capture', 'metrics', 'flow-logs'))

test('an upgrade loses no packet', async () => {
  const h2 = machines.get('h2')!
  const pinging = h2.background('exec timeout 120 ip netns exec app ping -n -i 0.05 10.0.0.11')
  let text = ''
  pinging.stdout!.setEncoding('utf8').on('data', (part: string) => void (text += part))
  await until('pings are answered', () => missingIn(text).answered > 5)
  await follow('upgrade')
  const before = missingIn(text).answered
  await until('pings are still answered', () => missingIn(text).answered > before + 5)
  pinging.kill('SIGTERM')
  assert.deepEqual(missingIn(text).missing, [])
})

test('backup and restore', () => follow('backup'))

test('uninstalling leaves what the page says', async () => {
  await follow('uninstall')
  for (const machine of machines.values()) {
    const left = machine.sh('ls -A /var/lib /run /sys/fs/bpf; ls -A $XDG_CONFIG_HOME/vpc; ip -o link').text
    assert.doesNotMatch(left, /vpcd|vpc-agent|hostif|vpcmux|vpcroom|state\.db/)
  }
  assert.match(machines.get('h1')!.sh('vpc context list').text, /^ *NAME[^\n]*$/)
})

test('a cloud made of its parts, and the life of its hosts', async () => {
  await follow('cloud', 'hosts')
  for (const script of blocksOf('upgrade', 'store')) {
    const { code, text } = machines.get('h1')!.sh(`set -e\n${script}`)
    assert.equal(code, 0, text)
  }
  purge()
})

/** What parts that somebody started by hand have left. */
function purge(): void {
  for (const machine of machines.values()) {
    // A start without a journal removes the devices of the objects that it had.
    const { code, text } = machine.sh('rm -rf /var/lib/vpc /run/vpc /var/lib/vpc-agent')
    assert.equal(code, 0, text)
  }
}

test('several hosts by one file', async () => {
  await follow('cluster')
  purge()
})

const readme = textOf('README.md')
const blocks = [...readme.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, body]) => body!)
const [alone] = blocksOf('README', 'alone')
const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.replace(/\s+#.*/, '').trim())
    .filter((line) => line !== '')

test('README.md shows lines of these pages', () => {
  const pages = ['first-steps', 'two-machines', 'uninstall']
  const executed = new Set(pages.flatMap((page) => stepsOf(page, textOf(`docs/${page}.md`)).flatMap(({ script }) => linesOf(script))))
  const [build, ...lines] = linesOf(blocks[0]!)
  assert.equal(build, 'npm run build && export PATH=$PWD/bin:$PATH')
  assert.deepEqual(
    lines.filter((line) => !executed.has(line)),
    [],
  )
})

test('one host without a cloud: README.md, rights, tunnels, documents, traces, groups, what guests are told', async () => {
  // The page about rights starts vpcd. What is in README.md comes between its first and its last lines.
  const [daemon, ...lines] = linesOf(alone!)
  assert.deepEqual([daemon, lines.at(-1)], ['vpc daemon &', 'vpc detach red --netns=red1'])
  // test/cli/down.test.ts pastes the block as a whole.
  const step = (script: string, ...shown: string[]): Step => ({
    page: 'README',
    line: 25,
    at: 'h2',
    script,
    fails: false,
    stays: false,
    shown,
  })
  const red = step(lines.slice(0, -1).join('\n'), '3 packets transmitted, 3 received, 0% packet loss', 'delivered to hostif1 in vpcp1')
  const pages = ['underlay', 'firewall', 'host-file', 'recovery', 'trace', 'limits', 'groups', 'guest-services', 'virtual-machines']
  await follow('rights', red, ...pages, 'system-calls', step(lines.at(-1)!))
})

test('each page that says so was followed', () => {
  const said = ['h1', 'h2'].flatMap((at) => scenes[at]!.pages.map((page) => `${page} at ${at}`))
  assert.deepEqual([...followed].filter((each) => !each.startsWith('README')).toSorted(), said.toSorted())
})
