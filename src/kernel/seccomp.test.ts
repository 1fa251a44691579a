/**
 * A real program under a real filter: a child of this test installs the filter, hands its listener over, and execs a C
 * program.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import koffi from 'koffi'
import { errno, KernelError } from './errno.ts'
import { close } from './libc.ts'
import { descriptorOf, openPidfd } from './pidfd.ts'
import { ProcessMemory } from './process-memory.ts'
import { onReadable } from './readiness.ts'
import {
  answerCall,
  answerWithDescriptor,
  callWaits,
  receiveCall,
  seccompNotif,
  seccompNotifAddfd,
  seccompNotifResp,
  type Notification,
} from './seccomp.ts'

const program = `
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void) {
  char text[16] = "ask", buffer[8] = "";
  long a = syscall(580, text, 1L << 60, 7);
  printf("%ld %d\\n", a, a >= 0 ? (int)write(a, "hello", 5) : errno);
  long b = syscall(581, 3, 0x40090005, 0, 0, buffer, 0);
  printf("%ld %s\\n", b, buffer);
  long c = syscall(581, 4, 0, 0, (void *)8, 0, 0);
  printf("%ld %d\\n", c, errno);
  return 0;
}
`
const launcher = `
const { listenForCalls } = await import(process.env.SECCOMP)
const { inherit, execProgram } = await import(process.env.EXEC)
process.stdout.write(listenForCalls([580, 581]) + '\\n')
await new Promise((resolve) => process.stdin.once('data', resolve)) // until the supervisor has its copy
execProgram([process.env.PROGRAM])
`

let directory: string
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'vpc-seccomp-'))
  writeFileSync(join(directory, 'program.c'), program)
  execFileSync('clang', ['-o', join(directory, 'program'), join(directory, 'program.c')])
  writeFileSync(join(directory, 'launcher.mjs'), launcher)
})
after(() => rmSync(directory, { recursive: true, force: true }))

/** Run the program with its calls answered by `answer`, and give what it printed. */
async function supervise(answer: (listener: number, call: Notification, memory: ProcessMemory) => void): Promise<string[]> {
  const url = (file: string): string => new URL(file, import.meta.url).href
  const env = { ...process.env, SECCOMP: url('./seccomp.ts'), EXEC: url('./exec.ts'), PROGRAM: join(directory, 'program') }
  const child = spawn(process.execPath, [join(directory, 'launcher.mjs')], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  let output = ''
  const firstLine = new Promise<number>((resolve) => {
    child.stdout.on('data', (chunk) => {
      output += String(chunk)
      if (output.includes('\n')) resolve(Number.parseInt(output, 10))
    })
  })
  const closed = new Promise((resolve) => child.once('close', resolve))
  const theirs = await firstLine
  const pidfd = openPidfd(child.pid!)
  const listener = descriptorOf(pidfd, theirs)
  close(pidfd)
  const wait = onReadable(listener, () => {
    const call = receiveCall(listener)
    if (call === undefined) return
    using memory = new ProcessMemory(call.tid)
    assert.ok(callWaits(listener, call.id))
    answer(listener, call, memory)
  })
  child.stdin.end('.')
  await closed
  await wait.stop()
  close(listener)
  return output.trim().split('\n').slice(1)
}

test('structs have the sizes that the ioctl numbers name', () => {
  assert.equal(seccompNotif.size, 0x50)
  assert.equal(seccompNotifResp.size, 0x18)
  assert.equal(seccompNotifAddfd.size, 0x18)
})

test('a C program gets a descriptor, an answer in its memory, and an errno', async () => {
  const [readEnd, writeEnd] = pipe()
  const seen: string[] = []
  const lines = await supervise((listener, call, memory) => {
    if (call.number === 580) {
      seen.push(Buffer.from(memory.read(call.args[0]!, 4)).toString('latin1'), String(call.args[1]), String(call.args[2]))
      return void answerWithDescriptor(listener, call.id, writeEnd)
    }
    if (call.args[0] === 3n) {
      memory.write(call.args[4]!, Buffer.from('there\0'))
      return void answerCall(listener, call.id, { value: 42n })
    }
    assert.throws(
      () => memory.read(call.args[3]!, 4),
      (error) => error instanceof KernelError && error.errno === errno.EFAULT,
    )
    assert.throws(
      () => memory.read(0xffffffff81000000n, 4),
      (error) => error instanceof KernelError && error.errno === errno.EFAULT,
    )
    answerCall(listener, call.id, { error: errno.EFAULT })
  })
  assert.deepEqual(seen, ['ask\0', String(1n << 60n), '7'])
  assert.match(lines[0]!, /^\d+ 5$/, 'a descriptor that takes 5 bytes')
  assert.deepEqual(lines.slice(1), ['42 there', `-1 ${errno.EFAULT}`])
  assert.equal(readAll(readEnd), 'hello')
  close(readEnd)
  close(writeEnd)
})

const pipe2 = koffi.load('libc.so.6').func('int pipe2(_Out_ int *fds, int flags)')
function pipe(): [number, number] {
  const fds: number[] = [0, 0]
  assert.equal(pipe2(fds, 0o2000000), 0)
  return [fds[0]!, fds[1]!]
}
const readAll = (fd: number): string => {
  const into = Buffer.alloc(100)
  return into.toString('latin1', 0, readSync(fd, into))
}
