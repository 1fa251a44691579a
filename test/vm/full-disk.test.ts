/**
 * A guest whose host runs out of disk: it and its supervisor go on, and the supervisor records how it ended once there
 * is room again.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { vmDirectory } from '#lab/names.ts'
import { VmBed } from './vm-bed.ts'

/** Take all room of a file system by one file. */
function fill(directory: string, file: string): void {
  const fd = openSync(file, 'w')
  for (;;) {
    const { bavail, bsize } = statfsSync(directory)
    if (bavail === 0) return closeSync(fd)
    writeSync(fd, Buffer.alloc(bavail * bsize))
  }
}

test('neither a guest nor its supervisor ends because the disk is full', async () => {
  await using stack = new AsyncDisposableStack()
  const bed = stack.use(await VmBed.up())
  const directory = vmDirectory(bed.lab.name, 'h1')
  mkdirSync(directory, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', directory])
  stack.defer(() => void execFileSync('umount', ['-l', directory]))
  const nic = await bed.vmnic('h1')
  const vm = await bed.create('h1', [nic])
  const shell = await bed.boot(vm)
  const { supervisor, pid, user } = (await bed.get(vm)).running
  assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), new RegExp(`^Uid:\\s+${user}\\s+${user}\\s`, 'm'))

  const filler = join(directory, 'filler')
  fill(directory, filler)
  // More than the log's last page holds, and a reset, which the state counts.
  await shell.must('for i in 1 2 3 4 5 6 7 8; do cat /proc/cpuinfo /proc/meminfo; done')
  await bed.json('h1', 'vm', 'reset', '--vm-id', vm.id)
  const now = (await bed.get(vm)).running
  assert.deepEqual([now.supervisor, now.pid], [supervisor, pid])
  await (await bed.shell(vm)).must('true')
  await bed.json('h1', 'vm', 'stop', '--vm-id', vm.id, '--force')
  const { state, end } = await bed.get(vm)
  assert.deepEqual([state, end.reason], ['stopped', 'stopped'])

  rmSync(filler)
  await bed.json('h1', 'vm', 'run', '--vm-id', vm.id)
  assert.equal((await bed.get(vm)).running.user, user)
  await bed.json('h1', 'vm', 'destroy', '--vm-id', vm.id)
})
