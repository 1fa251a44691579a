/** The files of a machine: definition, state, bounded logs, disk images, cloud-init data. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, after } from 'node:test'
import { markProcess } from '#system/process-mark.ts'
import { BoundedLog } from './bounded-log.ts'
import { cloudInitOf, writeSeed } from './cloud-init.ts'
import { consoleLog } from './console-client.ts'
import { compareDefinitions, type VmDefinition } from './definition.ts'
import { checkDisk, formatOfName } from './disk-image.ts'
import { createVm, destroyVm } from './life.ts'
import { allVms, VmDirectory } from './vm-directory.ts'
import { presenceOf, type VmState } from './vm-state.ts'

const scratch = mkdtempSync(join(tmpdir(), 'vpc-vm-'))
after(() => rmSync(scratch, { recursive: true }))

const id = '5ba4dbe7-e0b2-4e7c-8bd7-5d2f0d2a6a01'
const definition: VmDefinition = {
  id,
  name: null,
  memoryMib: 512,
  cpus: 1,
  kernel: '/k',
  initrd: null,
  append: null,
  disk: null,
  image: null,
  diskFormat: null,
  diskBytes: null,
  seed: 'disk',
  cloudInit: null,
  vmnics: [],
  user: null,
  acceleration: 'auto',
  protected: false,
  autostart: false,
}

test('a machine is what its file says, in a directory of root’s alone', async () => {
  const base = join(scratch, 'machines')
  const directory = new VmDirectory(base, id)
  assert.throws(() => directory.definition(), /there is no virtual machine 5ba4dbe7/)
  createVm(directory, definition)
  assert.equal(statSync(directory.path).mode & 0o777, 0o700)
  assert.equal(statSync(directory.definitionFile).mode & 0o777, 0o600)
  assert.deepEqual(directory.definition(), definition)
  assert.throws(() => createVm(directory, definition), /exists/)
  assert.deepEqual(
    allVms(base).map((each) => each.id),
    [id],
  )
  assert.deepEqual(compareDefinitions({ ...definition, cpus: 2, vmnics: [id as never] }, definition), [
    { setting: 'cpus', asked: '2', is: '1' },
    { setting: 'vmnics', asked: id, is: 'none' },
  ])
  assert.equal(await destroyVm(directory), true)
  assert.equal(existsSync(directory.path), false)
  assert.equal(await destroyVm(directory), false)
  assert.deepEqual(allVms(join(scratch, 'nowhere')), [])
})

test('what the state file says is compared with the processes that are there', () => {
  const self = markProcess(process.pid)!
  const gone = { pid: self.pid, startTicks: self.startTicks - 1 }
  const end = { reason: 'stopped', detail: '', at: '' } as const
  const base = { acceleration: 'tcg', vhost: false, user: 'nobody', startedAt: '', resets: 0, vmnics: [], end: null } as const
  const state = (phase: VmState['phase'], qemu: boolean, supervisor: boolean): VmState => ({
    ...base,
    phase,
    qemu: qemu ? self : gone,
    supervisor: supervisor ? self : gone,
  })
  assert.equal(presenceOf(undefined).phase, 'created')
  assert.deepEqual(presenceOf(state('running', true, true)), { phase: 'running', end: null, orphaned: false })
  assert.deepEqual(presenceOf(state('running', true, false)), { phase: 'running', end: null, orphaned: true })
  assert.equal(presenceOf(state('running', false, true)).phase, 'running', 'its supervisor is about to say how it ended')
  assert.equal(presenceOf(state('running', false, false)).end?.reason, 'unknown')
  assert.deepEqual(presenceOf({ ...state('stopped', true, true), end }), { phase: 'stopped', end, orphaned: false })
})

test('a directory where there can be none is refused at once', () => {
  assert.throws(
    () => new VmDirectory('/proc/machines', 'none').writeDefinition(definition),
    /cannot make directory \/proc\/machines.*takes no directories; name another/,
  )
})

test('a log keeps the last of what came, and not more than twice its limit', () => {
  const directory = new VmDirectory(scratch, 'log')
  directory.writeDefinition({ ...definition, id: 'log' })
  {
    using log = new BoundedLog(directory.consoleLog, 100)
    for (let i = 0; i < 50; i++) log.write(Buffer.from(`line ${String(i).padStart(2, '0')}\n`))
  }
  using log = new BoundedLog(directory.consoleLog, 100)
  log.write(Buffer.from('x'.repeat(250)))
  log.write(Buffer.from('the end\n'))
  const kept = consoleLog(directory)
  assert.ok(kept.endsWith('xthe end\n'))
  assert.ok(kept.length >= 100 && kept.length <= 200, `${kept.length}`)
})

test('a disk’s format is told by its name or its owner, never by its content', () => {
  assert.equal(formatOfName('/x/Debian.QCOW2'), 'qcow2')
  assert.equal(formatOfName('/x/disk.img'), 'raw')
  assert.equal(formatOfName('/x/disk'), undefined)
  const whole = join(scratch, 'whole.qcow2')
  const header = Buffer.alloc(104)
  header.writeUInt32BE(0x514649fb)
  writeFileSync(whole, header)
  checkDisk(whole, 'qcow2')
  header.writeBigUInt64BE(104n, 8)
  writeFileSync(whole, header)
  assert.throws(() => checkDisk(whole, 'qcow2'), /has a backing file.*qemu-img convert/)
  checkDisk(whole, 'raw')
  writeFileSync(whole, 'short')
  assert.throws(() => checkDisk(whole, 'qcow2'), /is not a qcow2 image/)
})

test('cloud-init data is made from flags, and stands on a disk labelled cidata', async () => {
  assert.equal(cloudInitOf({ id, sshKeys: [] }), null)
  assert.throws(() => cloudInitOf({ id, sshKeys: [], metaData: '', hostname: 'x' }), /--meta-data excludes --hostname/)
  const data = cloudInitOf({
    id,
    sshKeys: ['ssh-ed25519 AAAA me'],
    hostname: 'web1',
    userData: '#!/bin/sh\n',
    networkConfig: 'version: 2\n',
  })!
  assert.deepEqual(JSON.parse(data.metaData), { 'instance-id': id, 'local-hostname': 'web1', 'public-keys': ['ssh-ed25519 AAAA me'] })
  const image = join(scratch, 'seed.iso')
  await writeSeed(data, image)
  assert.equal(readFileSync(image).toString('latin1', 32768 + 40, 32768 + 46), 'cidata')
  const tree = join(scratch, 'tree')
  execFileSync('xorriso', ['-osirrox', 'on', '-indev', image, '-extract', '/', tree], { stdio: 'ignore' })
  for (const [name, text] of [
    ['user-data', data.userData],
    ['meta-data', data.metaData],
    ['network-config', data.networkConfig],
  ] as const)
    assert.equal(readFileSync(join(tree, name), 'utf8'), text)
})
