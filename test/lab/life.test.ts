/**
 * The life of a lab: up twice, interrupted, killed half-way, broken by hand, two side by side; and the command's
 * output.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { vpcProgram } from '#system/background.ts'
import { bringDown } from '#lab/lab-down.ts'
import { readLabFile } from '#lab/lab-file.ts'
import { readState } from '#lab/lab-state.ts'
import { existingNetns } from '#lab/netns.ts'
import { netnsNames, planLab } from '#lab/plan.ts'
import { endProcesses } from '#lab/end-processes.ts'
import { run, type Finished } from '#lab/program.ts'
import { assertGone, ScratchLab, scratchName } from './scratch-lab.ts'

const small = `
underlay: { network: 192.0.2.0/24 }
hosts: { h1: {}, h2: {} }
customers: { red: { subnets: { a: { vni: 5001, network: 10.0.0.0/24 } } } }
guests:
  g1: { host: h1, subnet: red/a }
  g2: { host: h2, subnet: red/a }
`

const vpc = (...args: string[]): Promise<Finished> => run([...vpcProgram, ...args], { timeoutMs: 60_000 })

suite('labs that are up', () => {
  let lab: ScratchLab
  let other: ScratchLab
  before(async () => {
    ;[lab, other] = [await ScratchLab.up(small), await ScratchLab.up(small)]
  })
  after(async () => {
    await lab?.[Symbol.asyncDispose]()
    await other?.[Symbol.asyncDispose]()
  })

  test('up a second time says so and changes nothing', async () => {
    const before = await readState(lab.name)
    const { code, stdout } = await vpc('lab', 'up', lab.file)
    assert.equal(code, 0)
    assert.match(stdout, new RegExp(`lab ${lab.name} is up already`))
    assert.deepEqual(await readState(lab.name), before)
  })

  test('up from another file of the same name is refused with the way out', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'vpc-lab-test-'))
    try {
      const file = join(directory, 'x.yaml')
      await writeFile(file, (await readFile(lab.file, 'utf8')).replace('5001', '5002'))
      const { code, stderr } = await vpc('lab', 'up', file)
      assert.equal(code, 1)
      assert.match(
        stderr,
        new RegExp(`a lab ${lab.name} is up already and is not this one \\(it is from ${lab.file}\\); .vpc lab down ${lab.name}. first`),
      )
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  test('both are listed, with their hosts and guests', async () => {
    const labs = JSON.parse((await vpc('lab', 'list', '--json')).stdout) as { name: string }[]
    const mine = labs.find(({ name }) => name === lab.name)!
    assert.deepEqual(
      { ...mine, since: '' },
      { name: lab.name, state: 'up', problems: [], hosts: ['h1', 'h2'], guests: ['g1', 'g2'], file: lab.file, since: '' },
    )
    assert.ok(labs.some(({ name }) => name === other.name))
    assert.match(
      (await vpc('lab', 'list')).stdout,
      new RegExp(`^ LAB +STATE +HOSTS +GUESTS +FILE\n(.*\n)* ${lab.name} +up +h1 h2 +g1 g2 +/`),
    )
  })

  test('two with the same VNIs and addresses do not meet', async () => {
    const counts = async (where: ScratchLab): Promise<number> => (await where.portStats('g2')).txPackets
    const before = await counts(other)
    await lab.must('g1', 'ping', '-n', '-c', '3', '-i', '0.1', '10.0.0.2')
    assert.equal(await counts(other), before)
  })

  test('exec runs a command in a guest: its words, output and exit code', async () => {
    const { code, stdout } = await vpc('lab', 'exec', '--lab', lab.name, 'g1', '--', 'sh', '-c', 'ip -br addr show eth0; exit 7')
    assert.equal(code, 7)
    assert.match(stdout, /10\.0\.0\.1\/24/)
    assert.equal((await vpc('lab', 'exec', lab.name, 'g1', '--', 'true')).code, 0, 'the lab before the guest')
  })

  test('exec passes input on, and the signal that ended the command', async () => {
    const echoed = await run([...vpcProgram, 'lab', 'exec', '--lab', lab.name, 'g1', '--', 'cat'], { input: 'to and fro' })
    assert.equal(echoed.stdout, 'to and fro')
    assert.equal((await vpc('lab', 'exec', '--lab', lab.name, 'g1', '--', 'sh', '-c', 'kill -TERM $$')).code, 143)
  })

  test("exec on a host speaks to the host's own vpcd", async () => {
    for (const host of ['h1', 'h2']) {
      const { stdout, stderr } = await vpc('lab', 'exec', '--lab', lab.name, host, '--', 'vpc', 'list', '--json')
      assert.ok(stdout.includes(lab.host(host).muxId), `${host}: ${stdout}${stderr}`)
    }
    assert.equal((await vpc('lab', 'exec', '--lab', lab.name, 'g1', '--', 'sh', '-c', 'echo "$VPC_SOCKET"')).stdout, '\n')
  })

  test('exec says which lab or name there is when it finds none, or two', async () => {
    assert.match((await vpc('lab', 'exec', 'g1', '--', 'true')).stderr, /both have a g1; choose one with --lab/)
    assert.match(
      (await vpc('lab', 'exec', '--lab', lab.name, 'g9', '--', 'true')).stderr,
      new RegExp(`lab ${lab.name} has no 'g9'; expected one of underlay, h1, h2, g1, g2`),
    )
    assert.match((await vpc('lab', 'exec', '--lab', 'nosuch', 'g1', '--', 'true')).stderr, /no lab 'nosuch' is up; up are /)
  })
})

suite('a lab that does not come up', () => {
  let directory: string
  let file: string
  let name: string
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'vpc-lab-test-'))
  })
  after(() => rm(directory, { recursive: true }))

  const write = async (text: string): Promise<void> => {
    name = scratchName()
    file = join(directory, `${name}.yaml`)
    await writeFile(file, `name: ${name}\n${text}`)
  }

  /** Start `vpc lab up`, send a signal when it says a certain thing, and give its exit code. */
  async function signalAt(said: RegExp, signal: NodeJS.Signals): Promise<{ code: number | null; killer: string | null; output: string }> {
    const [program, ...args] = [...vpcProgram, 'lab', 'up', file] as unknown as [string, ...string[]]
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    let isSent = false
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString()
        if (isSent || !said.test(output)) return
        isSent = true
        child.kill(signal)
      })
    const [code, killer] = await new Promise<[number | null, string | null]>((resolve) => child.once('close', (...ended) => resolve(ended)))
    return { code, killer, output }
  }

  for (const said of [/network namespaces on/, /vpcd on/, /switches, ports/])
    test(`interrupted after '${said.source}' leaves nothing behind`, async () => {
      await write(small)
      const { code, output } = await signalAt(said, 'SIGINT')
      assert.equal(code, 130, output)
      assert.match(output, /interrupted/)
      await assertGone(planLab(await readLabFile(file)))
    })

  test('killed half-way is listed as broken, and is taken down', async () => {
    await write(small)
    const { killer } = await signalAt(/vpcd on/, 'SIGKILL')
    assert.equal(killer, 'SIGKILL')
    const plan = planLab(await readLabFile(file))
    assert.ok(existingNetns(netnsNames(plan)).length > 0)
    const labs = JSON.parse((await vpc('lab', 'list', '--json')).stdout) as { name: string; state: string; problems: string[] }[]
    assert.deepEqual(
      labs.filter((lab) => lab.name === name).map(({ state, problems }) => [state, problems[0]]),
      [['broken', '`vpc lab up` was interrupted']],
    )
    assert.equal((await vpc('lab', 'down', name)).code, 0)
    await assertGone(plan)
  })

  test('killed half-way and brought up again, comes up', async () => {
    await write(small)
    await signalAt(/network namespaces on/, 'SIGKILL')
    const { code, stdout, stderr } = await vpc('lab', 'up', file)
    assert.equal(code, 0, stderr)
    assert.match(stdout, new RegExp(`lab ${name} is up`))
    await bringDown(name)
    await assertGone(planLab(await readLabFile(file)))
  })

  test('a namespace of somebody else is not touched', async () => {
    await write(small)
    const stranger = `${name}-g2`
    await run(['ip', 'netns', 'add', stranger])
    try {
      const { code, stderr } = await vpc('lab', 'up', file)
      assert.equal(code, 1)
      assert.match(stderr, new RegExp(`network namespace ${stranger} exists already and belongs to no lab; give the lab another name`))
      assert.deepEqual(existingNetns(netnsNames(planLab(await readLabFile(file)))), [stranger])
    } finally {
      await run(['ip', 'netns', 'del', stranger])
    }
  })

  test('a file with mistakes is told with line, key and way out, and makes nothing', async () => {
    await write(small.replace('host: h1', 'host: h7'))
    const { code, stderr } = await vpc('lab', 'up', file)
    assert.equal(code, 1)
    assert.match(stderr, new RegExp(`${file}:7:15: guests.g1.host: there is no host 'h7'; expected one of h1, h2`))
  })
})

test('a lab that was broken by hand goes down all the same', async () => {
  const lab = await ScratchLab.up(small)
  const state = (await readState(lab.name))!
  await endProcesses([state.daemons['h1']!], 0)
  await run(['ip', 'netns', 'del', lab.netns('g1')])
  await run(['umount', lab.host('h2').bpffs])
  const again = await vpc('lab', 'up', lab.file)
  assert.equal(again.code, 1)
  assert.match(again.stderr, /is up, but broken \(namespaces missing: .*; vpcd not running on h1\); `vpc lab down /)
  // The lab goes down although somebody is still in there.
  const guest = spawn('nsenter', [`--net=/run/netns/${lab.netns('g2')}`, 'sleep', '600'], { stdio: 'ignore' })
  await new Promise((resolve) => guest.once('spawn', resolve))
  await lab[Symbol.asyncDispose]()
  assert.equal((await vpc('lab', 'down', lab.name)).stdout, `lab ${lab.name} is not up\n`)
})
