import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { errno, KernelError } from './errno.ts'
import { close } from './libc.ts'
import { listenOnPath, sendDatagram, sendWithDescriptors } from './unix-socket.ts'

function scratch(): { path: (name: string) => string } & Disposable {
  const directory = mkdtempSync(join(tmpdir(), 'vpc-unix-'))
  return { path: (name) => join(directory, name), [Symbol.dispose]: () => rmSync(directory, { recursive: true }) }
}

const failsWith = (code: number) => (error: unknown) => error instanceof KernelError && error.errno === code

test('a program accepts on a listening socket that it inherits', async () => {
  using directory = scratch()
  const path = directory.path('a.sock')
  const fd = listenOnPath(path)
  const program = `require('node:net').createServer(s => s.end('inherited')).listen({ fd: 3 }); setTimeout(() => process.exit(), 5000).unref()`
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'ignore', 'inherit', fd] })
  close(fd)
  try {
    const socket = connect(path)
    assert.equal((await socket.toArray()).join(''), 'inherited')
    assert.throws(() => listenOnPath(path), failsWith(errno.EADDRINUSE))
    assert.throws(() => listenOnPath(directory.path('x'.repeat(108))), failsWith(errno.ENAMETOOLONG))
  } finally {
    child.kill()
    await once(child, 'exit')
  }
})

test('descriptors go along with bytes, more than one at a time', async () => {
  using directory = scratch()
  const path = directory.path('b.sock')
  // Python takes what SCM_RIGHTS brings: an independent reader.
  const reader = `
import array, os, socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
data, control, flags, _ = s.recvmsg(100, socket.CMSG_SPACE(16))
fds = array.array('i'); fds.frombytes(control[0][2])
print(data.decode(), len(fds), *[os.readlink('/proc/self/fd/%d' % f) for f in fds])`
  const server = createServer().listen(path)
  await once(server, 'listening')
  const child = spawn('python3', ['-c', reader, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  const fds = [openSync('/dev/null', 'r'), openSync('/dev/zero', 'r'), openSync('/proc/self/status', 'r')]
  try {
    const [socket] = await once(server, 'connection')
    sendWithDescriptors(socket, Buffer.from('hello'), fds)
    assert.match((await child.stdout.toArray()).join(''), /^hello 3 \/dev\/null \/dev\/zero \/proc\/\d+\/status$/m)
    socket.destroy()
    assert.throws(() => sendWithDescriptors(socket, Buffer.from('x'), fds), /closed/)
  } finally {
    fds.forEach(close)
    server.close()
  }
})

test('datagrams go to paths and to abstract names, with descriptors or without', async () => {
  using directory = scratch()
  const names = [directory.path('c.sock'), `@vpc-unix-${process.pid}`]
  const reader = `
import array, os, socket, sys
all = [socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in sys.argv[1:]]
for s, name in zip(all, sys.argv[1:]): s.bind(name.replace('@', '\\0'))
print('bound', flush=True)
for s in all:
  for _ in range(2):
    data, control, flags, _ = s.recvmsg(100, socket.CMSG_SPACE(16))
    fds = array.array('i'); [fds.frombytes(c[2]) for c in control]
    print(data.decode(), *[os.readlink('/proc/self/fd/%d' % f) for f in fds], flush=True)`
  const child = spawn('python3', ['-c', reader, ...names], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const fd = openSync('/dev/null', 'r')
  try {
    for (const name of names) {
      sendDatagram(name, Buffer.from('READY=1'))
      sendDatagram(name, Buffer.from('FDSTORE=1'), [fd])
    }
    // The end of the line about the names may come by itself.
    assert.equal((await child.stdout.toArray()).join('').trimStart(), 'READY=1\nFDSTORE=1 /dev/null\n'.repeat(2))
    assert.throws(() => sendDatagram(directory.path('none'), Buffer.from('x')), failsWith(errno.ENOENT))
  } finally {
    close(fd)
  }
})
