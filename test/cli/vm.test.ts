/**
 * `vpc vm` where something is wrong: with the words, with the files, with the machine, with the caller. No guest is
 * started.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { writeStatus, type AgentStatus } from '#agent/status.ts'
import { markProcess } from '#system/process-mark.ts'
import { runVpc, vpcPath } from './run-vpc.ts'

const scratch = mkdtempSync(join(tmpdir(), 'vpc-cli-vm-'))
after(() => rmSync(scratch, { recursive: true }))

const id = '5ba4dbe7-e0b2-4e7c-8bd7-5d2f0d2a6a01'
const kernel = join(scratch, 'vmlinuz')
const env = { VPC_VM_DIR: join(scratch, 'vm'), VPC_IMAGE_DIR: join(scratch, 'images'), VPC_SOCKET: join(scratch, 'no-vpcd.sock') }
writeFileSync(kernel, '')
writeFileSync(join(scratch, 'disk'), '')
writeFileSync(join(scratch, 'Debian-13.raw'), 'an image'.padEnd(1 << 16, '\0'))
writeFileSync(join(scratch, 'bad.qcow2'), 'not one')
writeFileSync(join(scratch, 'empty.raw'), '')
writeFileSync(join(scratch, 'ubuntu.img'), 'QFI\xfb'.padEnd(512, '\0'), 'latin1')
writeFileSync(join(scratch, 'key.pub'), 'ssh-ed25519 AAAA me\n')

const vm = (line: string): { code: number | null; stdout: string; stderr: string } => runVpc(['vm', ...line.split(' ')], { env })
const ok = (line: string): string => {
  const { code, stdout, stderr } = vm(line)
  assert.equal(code, 0, `${line}: ${stderr}`)
  return stdout
}

const vmnic = '07f95a11-6788-2ae7-c306-ba95cff1db38'
const create = `create --vm-id ${id} --kernel ${kernel}`
const refusals: readonly (readonly [what: string, line: string, code: number, words: RegExp])[] = [
  ['a kernel that is a directory', `create --kernel ${scratch}`, 2, /--kernel: \S+ is a directory/],
  ['the beginning of the id of no machine', 'get 5ba4', 1, /there is no virtual machine 5ba4 below/],
  ['an id that is not a UUID', 'get --vm-id web1', 2, /'web1' is not a UUID, such as/],
  ['nothing to boot', `create --vm-id ${id}`, 2, /needs --kernel, --disk or --image/],
  ['an initrd without a kernel', `create --vm-id ${id} --disk ${scratch}/disk --initrd ${kernel}`, 2, /of use with --kernel alone/],
  ['a disk and an image', `create --vm-id ${id} --disk ${scratch}/disk --image ${scratch}/disk`, 2, /give --disk or --image, not both/],
  ['words of a cloud without a name', `${create} --subnet web`, 2, /--subnet goes with the NAME of a guest of a cloud/],
  ['a name and an id', `create web1 --vm-id ${id}`, 2, /--vm-id is for machines of this host alone/],
  ['a machine of no name', 'get', 2, /name the virtual machine: its NAME, or --vm-id/],
  ['a name that no machine has', 'run web1', 1, /there is no virtual machine web1 below/],
  [
    'a guest on a machine that is not a host',
    `create web1 --subnet web --kernel ${kernel} --agent-state-dir ${scratch}`,
    1,
    /is not a host of a cloud/,
  ],
  ['a file that is not there', `create --vm-id ${id} --kernel ${scratch}/nope`, 2, /--kernel: there is no file .*nope/],
  [
    'a disk of an unknown kind',
    `create --vm-id ${id} --disk ${scratch}/disk`,
    2,
    /cannot be told by its name; say it with --disk-format, or make it qcow2: qemu-img convert/,
  ],
  ['a qcow2 that is none', `create --vm-id ${id} --disk ${scratch}/bad.qcow2`, 2, /is not a qcow2 image/],
  ['an id of another type for a vmnic', `${create} --vmnic-id ${vmnic.replace('c306', 'c30b')}`, 2, /c306/],
  ['the same vmnic twice', `${create} -N ${vmnic} -N ${vmnic}`, 2, /a vmnic can be given once/],
  ['an image that is not there', `create --vm-id ${id} --image debian-14`, 2, /there is no image debian-14; `vpc vm image list` shows/],
  ['an image to import that is not there', `image import ${scratch}/nope.raw`, 2, /there is no file/],
  ['a qcow2 to import that is none', `image import ${scratch}/bad.qcow2`, 2, /is not a qcow2 image/],
  ['an empty file to import', `image import ${scratch}/empty.raw`, 2, /empty.raw is empty: it is no image of a disk/],
  ['a directory to import', `image import ${scratch} --disk-format raw`, 2, /is a directory/],
  ['a raw image that is a qcow2', `image import ${scratch}/ubuntu.img`, 2, /--disk-format=raw if a guest has had it, qcow2 if it was down/],
  ['the same as a disk', `create --vm-id ${id} --disk ${scratch}/ubuntu.img`, 2, /content of a qcow2, which a guest may have written; say/],
  ['a name of no image', `image import ${scratch}/Debian-13.raw --name A/B`, 2, /'A\/B' cannot name an image/],
  [
    'the size of a disk of its own',
    `create --vm-id ${id} --disk ${scratch}/Debian-13.raw --disk-size 1`,
    2,
    /--disk-size goes with --image/,
  ],
  ['metadata, and what a disk alone tells', `${create} --seed metadata --hostname web1`, 2, /--hostname is told by a disk alone/],
  ['ssh to a machine that is not there', 'ssh web1 uptime', 1, /there is no virtual machine web1/],
  ['a private key', `${create} --ssh-key ${scratch}/disk`, 2, /--ssh-key: \S+disk has no public key.*in NAME\.pub/],
  ['meta-data twice over', `${create} --meta-data ${kernel} --hostname web1`, 2, /--meta-data excludes --hostname/],
  ['too little memory', `${create} --memory 1`, 2, /'1' is not a whole number from 16/],
  ['a machine that is not there', `run --vm-id ${id}`, 1, /there is no virtual machine .*`vpc vm list` shows/],
  ['the console of one', `console --vm-id ${id}`, 1, /there is no virtual machine/],
  ['protection both ways', `set --vm-id ${id} --protect --unprotect`, 2, /give one of --protect and --unprotect/],
  ['autostart both ways', `set --vm-id ${id} --autostart --no-autostart`, 2, /give one of --autostart and --no-autostart/],
  ['nothing to set', `set --vm-id ${id}`, 2, /say what to set: --protect/],
  ['autostart of one machine', 'run web1 --autostart', 2, /--autostart starts many machines, and takes neither NAME/],
]
for (const [what, line, code, words] of refusals)
  test(what, () => {
    const ran = vm(line)
    assert.equal(ran.code, code, ran.stderr)
    assert.match(ran.stderr, words)
    assert.match(ran.stderr, /^vpc: [^\n]*\n$/)
  })

test('an image without room for its copy says how much there is, and leaves nothing', () => {
  const small = join(scratch, 'small')
  mkdirSync(small)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small])
  try {
    writeFileSync(join(scratch, 'large.raw'), Buffer.alloc(3 << 20, 1))
    const words = /^vpc: no room for a copy of \S+large.raw: it has 3 MiB, and \S+ has 1 MiB free; make room there\n$/
    const made = vm(`create --vm-id ${id} --image ${scratch}/large.raw --vm-dir ${small}`)
    assert.deepEqual([made.code, words.test(made.stderr)], [1, true], made.stderr)
    const imported = vm(`image import ${scratch}/large.raw --image-dir ${small}`)
    assert.deepEqual([imported.code, words.test(imported.stderr)], [1, true], imported.stderr)
    assert.deepEqual(readdirSync(small), [])
  } finally {
    execFileSync('umount', [small])
  }
})

test('a machine is created once; with other settings the difference is shown', () => {
  assert.match(ok(`${create} --ssh-key ${scratch}/key.pub --protect`), /^created machine .*; start it with vpc vm run/)
  assert.match(ok(`${create} --ssh-key ${scratch}/key.pub --protect`), /^unchanged/)
  const { code, stderr } = vm(`${create} --ssh-key ${scratch}/key.pub --protect --cpus 2`)
  assert.equal(code, 4)
  assert.match(stderr, /exists with other settings; destroy it first[\s\S]*cpus +2 +1/)
  const [shown] = JSON.parse(ok('list --json'))
  assert.deepEqual(
    [shown.id, shown.state, shown.protected, JSON.parse(shown.cloudInit.metaData)['public-keys']],
    [id, 'created', true, ['ssh-ed25519 AAAA me']],
  )
  assert.match(ok(`get --vm-id ${id}`), /state +created[\s\S]*cloud-init +NoCloud[\s\S]*protected +yes/)
})

test('what needs a running guest says so, and what needs none is fine', () => {
  for (const line of [`console --vm-id ${id}`, `reset --vm-id ${id}`])
    assert.match(vm(line).stderr, /does not run; start it: vpc vm run --vm-id=/)
  assert.match(ok(`stop --vm-id ${id}`), /^unchanged: .* does not run/)
  assert.equal(ok(`console --log --vm-id ${id}`), '')
  assert.match(ok(`detach --vm-id ${id} -N ${vmnic}`), /^unchanged/)
  assert.equal(vm(`destroy --vm-id ${id}`).code, 4)
  assert.match(ok(`set --vm-id ${id} --unprotect`), /is not protected/)
  assert.match(ok(`set --vm-id ${id} --unprotect`), /^unchanged/)
})

test('an image is kept under a name, and machines have copies of it, which QEMU makes larger', () => {
  assert.match(
    ok(`image import ${scratch}/Debian-13.raw`),
    /^imported image debian-13; make machines of it with vpc vm create --image=debian-13/,
  )
  assert.match(ok(`image import ${scratch}/Debian-13.raw`), /^unchanged/)
  writeFileSync(join(scratch, 'other.raw'), 'another')
  const taken = vm(`image import ${scratch}/other.raw --name debian-13`)
  assert.deepEqual([taken.code, /image debian-13 exists with another content; destroy it/.test(taken.stderr)], [4, true], taken.stderr)
  const [image] = JSON.parse(ok('image list --json'))
  assert.deepEqual([image.name, image.format, image.virtualBytes, statSync(image.path).mode & 0o777], ['debian-13', 'raw', 1 << 16, 0o600])
  const other = id.replace('01', '02')
  assert.match(ok(`create --vm-id ${other} --image debian-13 --disk-size 1 --accel tcg --memory 64`), /^created/)
  const { seed, disk, diskBytes } = JSON.parse(ok(`get --vm-id ${other} --json`))
  // Without an id it chooses one, whose beginning names it.
  const [, chosen] = /^created machine (\S+);/.exec(ok(`create --kernel ${kernel}`))!
  assert.equal(JSON.parse(ok(`get ${chosen!.slice(0, 13)} --json`)).id, chosen)
  assert.equal(vm(`get ${chosen!.slice(0, 7)}`).code, 1, 'seven digits may be a name')
  assert.match(ok(`destroy ${chosen!.slice(0, 13)}`), new RegExp(`^destroyed machine ${chosen}`))
  assert.deepEqual([seed, diskBytes, statSync(disk).size], ['metadata', 2 ** 30, 1 << 16])
  assert.match(vm(`connect --vm-id ${other}`).stderr, /does not run/)
  assert.match(ok(`run --vm-id ${other}`), /runs/)
  assert.equal(statSync(disk).size, 2 ** 30)
  assert.match(vm(`connect --vm-id ${other}`).stderr, /has no vmnic; give it one: vpc vm attach/)
  assert.match(ok('image destroy debian-13'), /^removed image debian-13/)
  assert.match(ok('image destroy debian-13'), /^unchanged/)
  assert.match(ok(`destroy --vm-id ${other}`), /^destroyed/)
})

test('a name that machines of two accounts have stands for none of them', () => {
  const ids = ['03', '04'].map((end) => id.replace('01', end))
  for (const each of ids) {
    ok(`create --vm-id ${each} --kernel ${kernel}`)
    const file = join(scratch, 'vm', each, 'vm.json')
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), name: 'web1' }))
  }
  for (const line of ['get web1', 'stop web1 --force']) {
    const { code, stderr } = vm(line)
    assert.equal(code, 2)
    assert.match(stderr, new RegExp(`^vpc: web1 is ambiguous: it stands for machines ${ids.join(', ')}\n$`))
  }
  for (const each of ids) ok(`destroy --vm-id ${each}`)
})

/** A machine of a cloud, which may run elsewhere by now, waits for the agent to have heard from the cloud. */
async function startsOnceTold(which: string): Promise<void> {
  const file = join(scratch, 'vm', which, 'vm.json')
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), name: 'web2' }))
  const agent = join(scratch, 'agent')
  mkdirSync(agent)
  assert.match(vm(`run --autostart --wait 0 --agent-state-dir ${agent}`).stderr, /^vpc: machine web2 does not start: no agent runs with/)
  const say = (follows: boolean): void => writeStatus(agent, { process: markProcess(process.pid), follows } as AgentStatus)
  say(false)
  const waits = /^vpc: machine web2 waits: this host's agent has not heard from the cloud since it began/
  assert.match(await autostart(agent, waits, () => say(true)), /^started machines: web2/)
}

/** Run it, do something once it says the one line that it waits, and give what it prints at its end. */
async function autostart(agent: string, waits: RegExp, then: () => void): Promise<string> {
  const child = spawn(vpcPath, ['vm', 'run', '--autostart', '--wait', '300', '--agent-state-dir', agent], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const printed = text(child.stdout)
  const ended = once(child, 'close')
  const lines: string[] = []
  const first = new Promise<void>((resolve) =>
    createInterface({ input: child.stderr }).on('line', (line) => {
      lines.push(line)
      resolve()
    }),
  )
  await Promise.race([first, ended])
  then()
  assert.deepEqual(await ended, [0, null], lines.join('\n'))
  assert.equal(lines.length, 1, lines.join('\n'))
  assert.match(lines[0]!, waits)
  return printed
}

test('of machines that start with the host, one that does not start keeps no other from it', async () => {
  const [bad, good] = ['05', '06'].map((end) => id.replace('01', end)) as [string, string]
  ok(`create --vm-id ${bad} --kernel ${kernel} --accel tcg --autostart`)
  ok(`create --vm-id ${good} --image ${scratch}/Debian-13.raw --accel tcg --memory 64`)
  assert.match(ok(`set ${good} --autostart`), /starts with this host/)
  // The same words again are no other machine.
  assert.match(ok(`create --vm-id ${good} --image ${scratch}/Debian-13.raw --accel tcg --memory 64`), /^unchanged/)
  const { code, stderr } = vm('run --autostart')
  assert.equal(code, 1)
  assert.match(
    stderr,
    new RegExp(`^vpc: machine ${bad} does not start: QEMU did not start.*\\nvpc: 1 of 2 machines did not start: ${bad}\\n$`),
  )
  assert.equal(JSON.parse(ok(`get ${good} --json`)).state, 'running')
  // As when this host lost its power while a guest came: here is half of a disk, and there is the guest.
  writeFileSync(join(scratch, 'vm', bad, 'plan.json'), JSON.stringify({ incoming: '/nowhere' }))
  assert.match(vm(`run ${bad}`).stderr, /has not come whole from its other host; repeat vpc vm migrate there, or destroy/)
  assert.match(vm('run --autostart').stderr, new RegExp(`^vpc: machine ${bad} stays off: its guest has not come whole[^\\n]*\\n$`))
  ok(`destroy ${bad}`)
  assert.match(ok('run --autostart'), /^unchanged: all that start with this host run/)
  ok(`stop ${good} --force`)
  await startsOnceTold(good)
  // vpcd may be there in a moment.
  ok(`set ${good} --no-autostart`)
  ok(`create --vm-id ${bad} --kernel ${kernel} -N ${vmnic} --autostart`)
  const waits = new RegExp(`^vpc: machine ${bad} waits: cannot reach vpcd`)
  assert.match(await autostart(scratch, waits, () => ok(`set ${bad} --no-autostart`)), /^unchanged: no machine starts with this host/)
  // Nobody can say whether a machine starts with the host whose file cannot be read.
  const file = join(scratch, 'vm', bad, 'vm.json')
  const text = readFileSync(file)
  writeFileSync(file, '{')
  const broken = vm('run --autostart')
  assert.match(broken.stderr, new RegExp(`^vpc: passing over machine ${bad}: \\S+vm.json is not JSON [^\\n]*\\n$`))
  assert.equal(broken.code, 0)
  writeFileSync(file, text)
  for (const each of [bad, good]) ok(`destroy --vm-id ${each}`)
  assert.match(ok('run --autostart'), /^unchanged: no machine starts with this host/)
})

test('a start that fails leaves a machine that can be started again, and says why', () => {
  const { code, stderr } = vm(`run --vm-id ${id}`)
  assert.equal(code, 1)
  assert.match(stderr, /QEMU did not start: .*kernel/)
  const { state, end } = JSON.parse(ok(`get --vm-id ${id} --json`))
  assert.deepEqual([state, end.reason], ['stopped', 'failed'])
  assert.match(ok(`destroy --vm-id ${id}`), /^destroyed/)
  assert.match(ok(`${create} -N ${vmnic}`), /^created/)
  assert.equal(vm(`run --vm-id ${id}`).code, 3, 'without vpcd there is no vmnic')
  // A list needs no vpcd, nor the right to ask it.
  const closed = join(scratch, 'closed')
  mkdirSync(closed, { mode: 0o700 })
  chownSync(closed, 65534, 65534)
  const listed = spawnSync('setpriv', ['--inh-caps=-all', '--bounding-set=-all', vpcPath, 'vm', 'list'], {
    env: { ...process.env, ...env, VPC_SOCKET: join(closed, 'vpcd.sock') },
    encoding: 'utf8',
  })
  assert.deepEqual([listed.status, /^ *- +5ba4dbe7\S+ +created +- /m.test(listed.stdout)], [0, true], listed.stdout + listed.stderr)
  assert.match(ok(`destroy --vm-id ${id}`), /^destroyed/)
  assert.match(ok(`${create} --user no-such-user`), /^created/)
  assert.match(vm(`run --vm-id ${id}`).stderr, /there is no user 'no-such-user'; make one with `useradd/)
  assert.match(ok(`destroy --vm-id ${id}`), /^destroyed/)
})

test('who is not root is told so', () => {
  const { code, stderr } = runVpc(['vm', 'list'], { env, uid: 65534 })
  assert.equal(code, 5)
  assert.match(stderr, /^vpc: virtual machines are root's alone, as is .*; run this as root\n$/)
})
