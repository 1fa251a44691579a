/** The ten commands of docs/virtual-machines.md, run exactly as printed, and the interface of docs/libvirt.md. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from '#lab/program.ts'
import { blocksOf } from '../cli/shown-pages.ts'
import { root, textOf } from '../sources.ts'

const commands = blocksOf('virtual-machines', 'lab')[0]!.trim().split('\n')
const bin = mkdtempSync(join(tmpdir(), 'vpc-doc-'))
symlinkSync(join(root, 'bin/vpc.mjs'), join(bin, 'vpc'))
const env = { PATH: `${bin}:${process.env['PATH']}` }
const shell = (line: string) => run(['sh', '-c', `cd "$0" && ${line}`, root], { env, timeoutMs: 120_000 })

after(async () => {
  await shell('vpc lab down vms')
  rmSync(bin, { recursive: true })
})

test('the ten commands bring two machines on two hosts to talk', async () => {
  assert.equal(commands.length, 10)
  for (const line of commands.slice(0, -1)) {
    const { code, stdout, stderr } = await shell(line)
    assert.equal(code, 0, `${line}\n${stdout}${stderr}`)
  }
  const console = commands.at(-1)!
  const other = console.replace('vmhost1', 'vmhost2').replace('6a01', '6a02')
  for (const line of [console, other])
    for (let i = 0; i < 100 && !(await shell(`${line} --log`)).stdout.includes('GUEST-READY'); i++) await sleep(200)
  const child = spawn('sh', ['-c', console], { cwd: root, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  try {
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
    for (const line of ['ping -A -c 3 10.0.0.12', 'ping -A -c 3 10.0.0.2']) child.stdin.write(`${line}\n`)
    for (let i = 0; i < 150 && text.split('0% packet loss').length < 3; i++) await sleep(100)
    assert.equal(text.match(/3 packets received, 0% packet loss/g)?.length, 2, text)
    child.stdin.end()
    await ended
  } finally {
    child.kill('SIGKILL')
  }
})

test('the interface of the page about libvirt is the one of the checked example', () => {
  const plain = (xml: string): string =>
    xml
      .replace(/<!--[\s\S]*?-->/g, '')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
      .join('\n')
  const [shown] = /<interface[\s\S]*<\/interface>/.exec(textOf('docs/libvirt.md'))!
  assert.ok(plain(readFileSync(join(root, 'examples/libvirt/vmnic-domain.xml'), 'utf8')).includes(plain(shown)))
})
