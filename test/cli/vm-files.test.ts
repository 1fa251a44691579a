/**
 * The files of virtual machines under stress: many commands at once, files that cannot be read, and a disk that is
 * full. No guest is started.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs, {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { generateId, type Id } from '#abi/id.ts'
import { lockFile } from '#launch/lock.ts'
import { BoundedLog } from '#vm/bounded-log.ts'
import type { VmDefinition } from '#vm/definition.ts'
import { VmDirectory } from '#vm/vm-directory.ts'
import { claimUser, releaseUser, uidRange } from '#vm/machine-user.ts'
import { vpcProgram } from '#system/background.ts'
import { runVpc } from './run-vpc.ts'

const scratch = mkdtempSync(join(tmpdir(), 'vpc-vm-files-'))
after(() => rmSync(scratch, { recursive: true }))

const base = join(scratch, 'vm')
const env = { VPC_VM_DIR: base, VPC_VM_UID_DIR: join(scratch, 'uids'), VPC_SOCKET: join(scratch, 'no-vpcd.sock') }
process.env['VPC_VM_UID_DIR'] = env.VPC_VM_UID_DIR
const kernel = join(scratch, 'vmlinuz')
writeFileSync(kernel, '')

const idOf = (number: number): string => `5ba4dbe7-e0b2-4e7c-8bd7-5d2f0d2a6a${number.toString(16).padStart(2, '0')}`

function ok(...args: string[]): string {
  const { code, stdout, stderr } = runVpc(['vm', ...args], { env })
  assert.equal(code, 0, stderr)
  return stdout
}

const create = (id: string): string => ok('create', '--vm-id', id, '--kernel', kernel)

test('of changes at the same time, none is lost', async () => {
  const id = idOf(1)
  create(id)
  const vmnics = Array.from({ length: 4 }, () => generateId('vmnic'))
  const [program, ...words] = vpcProgram
  const attach = async (vmnic: string): Promise<void> => {
    const args = [...words, 'vm', 'attach', '--vm-id', id, '--vmnic-id', vmnic]
    const child = spawn(program!, args, { env: { ...process.env, ...env }, stdio: 'ignore' })
    const [code] = await once(child, 'exit')
    assert.equal(code, 0)
  }
  await Promise.all(vmnics.map(attach))
  assert.deepEqual(JSON.parse(ok('get', '--vm-id', id, '--json')).vmnics.toSorted(), vmnics.toSorted())
})

/** When the definition is read for the given time, run an action behind the reader's back. */
class Disturbed extends VmDirectory {
  readonly behind: (() => void)[] = []

  override definition(): VmDefinition {
    const now = super.definition()
    this.behind.shift()?.()
    return now
  }
}

test('a change is made to what the file says while the lock is held', () => {
  const id = idOf(5)
  create(id)
  const [mine, other] = [new Disturbed(base, id), new VmDirectory(base, id)]
  const [first, second] = [generateId('vmnic'), generateId('vmnic')]
  const add =
    (vmnic: Id) =>
    (now: VmDefinition): VmDefinition => ({ ...now, vmnics: [...now.vmnics, vmnic] })
  mine.behind.push(
    () => other.changeDefinition(add(first)),
    () => assert.throws(() => lockFile(other.changeLock, 'it is held'), /it is held/),
  )
  mine.changeDefinition(add(second))
  assert.deepEqual(mine.behind, [], 'it was read before the lock was taken, and again')
  assert.deepEqual(other.definition().vmnics, [first, second])
})

test('a definition is on the disk before it has its name, and its name before the command ends', () => {
  const id = idOf(6)
  create(id)
  const directory = new VmDirectory(base, id)
  const seen: string[] = []
  const { fsyncSync, renameSync } = fs
  fs.fsyncSync = (fd) => {
    seen.push(`sync ${readlinkSync(`/proc/self/fd/${fd}`).replace(/[.]\d+[.]new$/, '')}`)
    fsyncSync(fd)
  }
  fs.renameSync = (from, to) => {
    seen.push(`rename to ${String(to)}`)
    renameSync(from, to)
  }
  syncBuiltinESMExports()
  try {
    directory.changeDefinition((now) => ({ ...now, protected: true }))
  } finally {
    Object.assign(fs, { fsyncSync, renameSync })
    syncBuiltinESMExports()
  }
  assert.deepEqual(seen, [`sync ${directory.definitionFile}`, `rename to ${directory.definitionFile}`, `sync ${directory.path}`])
})

test('a machine with a broken file is told in its place, and hides no other', () => {
  const [whole, empty, foreign] = [idOf(2), idOf(3), idOf(4)]
  for (const id of [whole, empty, foreign]) create(id)
  writeFileSync(join(base, empty, 'vm.json'), '')
  writeFileSync(join(base, foreign, 'vm.json'), '[]')
  const views = JSON.parse(ok('list', '--json')) as { id: string; state: string; problem?: string }[]
  const stateOf = (id: string): string | undefined => views.find((view) => view.id === id)?.state
  assert.deepEqual([whole, empty, foreign].map(stateOf), ['created', 'broken', 'broken'])
  assert.match(views.find((view) => view.id === empty)!.problem!, /vm\.json is not JSON .*replace it by a good copy, or delete/)
  assert.match(ok('list'), new RegExp(`${foreign} is broken: .*is not the definition of this machine`))
  const { code, stderr } = runVpc(['vm', 'run', '--vm-id', empty], { env })
  assert.equal(code, 1)
  assert.match(stderr, /is not JSON/)
})

test('each machine has a user of its own, which it gives back', () => {
  // The same last digits: both would like the same number.
  const [first, second] = ['0', '1'].map((digit) => new VmDirectory(base, `5ba4dbe${digit}-e0b2-4e7c-8bd7-5d2f0d2a6a09`)) as [
    VmDirectory,
    VmDirectory,
  ]
  for (const { id } of [first, second]) create(id)
  const { uid } = claimUser(first)
  assert.ok(uid >= uidRange.least && uid < uidRange.least + uidRange.count)
  assert.equal(claimUser(second).uid, uid + 1)
  assert.equal(claimUser(first).uid, uid, 'a claim stays')
  releaseUser(first)
  assert.equal(claimUser(second).uid, uid + 1)
  assert.equal(claimUser(first).uid, uid)
  ok('destroy', '--vm-id', first.id)
  const third = new VmDirectory(base, first.id.replace('5ba4dbe0', '5ba4dbe2'))
  create(third.id)
  assert.equal(claimUser(third).uid, uid, 'destroying gave it back')
})

test('the claim of a machine that is gone without a word is free, unless a process runs as its user', async () => {
  const gone = new VmDirectory(base, '5ba4dbe7-e0b2-4e7c-8bd7-5d2f0d2a6a0a')
  create(gone.id)
  const { uid, gid } = claimUser(gone)
  rmSync(gone.path, { recursive: true })
  const next = new VmDirectory(base, gone.id.replace('5ba4dbe7', '5ba4dbe8'))
  create(next.id)
  const child = spawn('sleep', ['60'], { uid, gid, cwd: '/', stdio: 'ignore' })
  await once(child, 'spawn')
  assert.notEqual(claimUser(next).uid, uid)
  releaseUser(next)
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.equal(claimUser(next).uid, uid)
})

/** A file system of 256 KiB, gone with its scope. */
function smallDisk(): { path: string; fill: () => void; free: () => void } & Disposable {
  const path = mkdtempSync(join(scratch, 'disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', path])
  const filler = join(path, 'filler')
  const fill = (): void => {
    const fd = openSync(filler, 'w')
    const { bavail, bsize } = statfsSync(path)
    writeSync(fd, Buffer.alloc(bavail * bsize))
    closeSync(fd)
  }
  return { path, fill, free: () => rmSync(filler), [Symbol.dispose]: () => void execFileSync('umount', [path]) }
}

test('a full disk costs bytes of a log, which says how many, and not its writer', () => {
  using disk = smallDisk()
  using log = new BoundedLog(join(disk.path, 'console.log'), 64 << 10)
  log.write(Buffer.from('before\n'))
  disk.fill()
  // As much as fits the file's last page is still taken; a log that is full cannot begin the next one.
  for (let i = 0; i < 40; i++) log.write(Buffer.alloc(4096, 'x'))
  disk.free()
  log.write(Buffer.from('after\n'))
  const kept = readFileSync(log.path, 'utf8')
  const lost = Number(/\n\[(\d+) bytes were lost here: ENOSPC.*\]\nafter\n$/.exec(kept)?.[1])
  assert.equal(kept.match(/x/g)!.length + lost, 40 * 4096)
})

test('on a full disk a definition is changed wholly or not at all', () => {
  using disk = smallDisk()
  const id = idOf(5)
  const machine = new VmDirectory(disk.path, id)
  const args = ['--vm-id', id, '--vm-dir', disk.path]
  ok('create', ...args, '--kernel', kernel)
  const before = machine.definition()
  disk.fill()
  const { code, stderr } = runVpc(['vm', 'set', ...args, '--protect'], { env })
  assert.equal(code, 1)
  assert.match(stderr, /^vpc: [^\n]*(no space left|ENOSPC)[^\n]*\n$/)
  assert.deepEqual(machine.definition(), before)
  disk.free()
  ok('set', ...args, '--protect')
  assert.equal(machine.definition().protected, true)
})

test('what comes from another host names a machine, and nothing else of this host', async () => {
  const victim = join(scratch, 'victim')
  mkdirSync(victim)
  writeFileSync(join(victim, 'data'), 'x')
  create(idOf(98))
  const machine = { ...new VmDirectory(base, idOf(98)).definition(), disk: '/far/disk', diskFormat: 'raw' as const }
  const sent = (note: unknown): string => {
    const body = Buffer.from(JSON.stringify(note))
    const head = Buffer.alloc(5, 'n')
    head.writeUInt32BE(body.length, 1)
    const { code, stderr } = runVpc(['vm', 'receive'], { env, input: Buffer.concat([head, body]) })
    assert.notEqual(code, 0)
    return stderr
  }
  const disk = { bytes: -1, allocatedBytes: 0 }
  assert.match(sent({ machine: { ...machine, id: '../victim' }, disk }), /'\.\.\/victim' is not a UUID/)
  assert.match(sent({ settle: '../victim' }), /'\.\.\/victim' is not a UUID/)
  const id = idOf(99)
  assert.match(sent({ machine: { ...machine, id }, disk }), /a disk has a number of bytes, not -1/)
  assert.match(sent({ machine: { ...machine, id, diskFormat: 'vmdk' }, disk: { ...disk, bytes: 1 } }), /disk format 'vmdk'/)
  assert.match(sent({ machine: { ...machine, id } }), /this host has no \/far\/disk/)
  assert.match(sent('nonsense'), /vm receive gets a machine/)
  assert.equal(readFileSync(join(victim, 'data'), 'utf8'), 'x')
  assert.ok(!new VmDirectory(base, id).exists())
})
