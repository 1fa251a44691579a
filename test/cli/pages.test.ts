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
import { textOf } from '../sources.ts'
import { missingIn, until } from './machines.ts'
import { assertShown, isShown, stepsOf } from './shown-pages.ts'

const directory = mkdtempSync(join(tmpdir(), 'vpc-pages-'))
const machines = new Map<string, Machine>()
const addresses: Readonly<Record<string, string>> = { h1: '203.0.113.1', h2: '203.0.113.2' }

before(async () => {
  chmodSync(directory, 0o755)
  for (const name of Object.keys(addresses)) {
    const machine = await Machine.start(name, `pages${process.pid}-${name}`, join(directory, name))
    machines.set(name, machine)
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

let token = ''

/** A block of commands that change nothing. */
const looks = /^(vpc \w+ (list|get)\b.*\n)+$/

/** Run what a page prints, line by line, and look at what it shows. */
async function follow(page: string): Promise<void> {
  const steps = stepsOf(page, textOf(`docs/${page}.md`))
  assert.ok(steps.length > 1)
  for (const step of steps) {
    const script = `export PATH=/run/bin:$PATH\n${step.script.replaceAll('TOKEN', token)}`
    const run = (): { readonly code: number | null; readonly text: string } => machines.get(step.at)!.sh(`set -e\n${script}`)
    let { code, text } = run()
    // What only looks at the cloud may look too early: a reader would look again.
    for (let i = 0; i < 30 && looks.test(step.script) && !isShown(step, text); i++) {
      await sleep(1000)
      ;({ code, text } = run())
    }
    assert.equal(code !== 0, step.fails, `${page}, block of line ${step.line}: exit code ${code}\n${step.script}\n${text}`)
    token = /vpcjoin1\.\S+/.exec(text)?.[0] ?? token
    assertShown(step, text)
  }
}

test('first steps on one machine', () => follow('first-steps'))

test('two machines in ten minutes', () => follow('two-machines'))

test('how to do each task', () => follow('how-to'))

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

test('uninstalling leaves what the page says', () => {
  follow('uninstall')
  for (const machine of machines.values()) {
    const left = machine.sh('ls -A /var/lib /run /sys/fs/bpf; ls -A $XDG_CONFIG_HOME/vpc; ip -o link').text
    assert.doesNotMatch(left, /vpcd|vpc-agent|hostif|vpcmux|vpcroom|state\.db/)
  }
  assert.match(machines.get('h1')!.sh('vpc context list').text, /^ *NAME[^\n]*$/)
})

const readme = textOf('README.md')
const blocks = [...readme.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, body]) => body!)
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

test('README.md: one host without a cloud', async () => {
  const h2 = machines.get('h2')!
  const [daemon, ...lines] = linesOf(blocks[1]!)
  assert.equal(daemon, 'vpc daemon &')
  const vpcd = h2.background('exec vpc daemon')
  try {
    await until('vpcd answers', () => h2.sh('vpc list').code === 0)
    const { code, text } = h2.sh(['set -ex', ...lines].join('\n'))
    assert.equal(code, 0, text)
    assert.match(text, /3 received/)
    // What is left is a document, and the host is so already.
    const again = h2.sh('vpc export > /run/host.yaml && vpc apply /run/host.yaml --dry-run')
    assert.match(again.text, /nothing/)
    assert.equal(again.code, 0, again.text)
  } finally {
    const ended = once(vpcd, 'close')
    vpcd.kill('SIGTERM')
    await ended
  }
})
