import assert from 'node:assert/strict'
import { once } from 'node:events'
import { fstatSync, mkdtempSync, openSync, closeSync, rmSync, readFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { close } from './libc.ts'
import { peerGroups, socketCookie, socketPair } from './socket-identity.ts'
import { credentialsIn, threadCredentials } from './thread.ts'
import { unixPeerCookie } from './unix-diag.ts'

const fdOf = (socket: Socket): number => (socket as unknown as { _handle: { fd: number } })._handle.fd

test('a pair of sockets has two cookies, and each knows the other', () => {
  const [a, b] = socketPair()
  try {
    assert.notEqual(socketCookie(a), socketCookie(b))
    assert.equal(socketCookie(a), socketCookie(a))
    const asked: number[] = []
    assert.equal(
      unixPeerCookie(a, (inode) => asked.push(inode) > 0),
      socketCookie(b),
    )
    assert.deepEqual(asked, [fstatSync(b).ino])
    assert.equal(
      unixPeerCookie(b, () => false),
      undefined,
    )
  } finally {
    close(a)
    close(b)
  }
})

test('a connected socket knows who accepted it; what is not a socket, or has no peer, knows nobody', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'vpc-peer-'))
  const path = join(directory, 's')
  const server = createServer().listen(path)
  const file = openSync('/dev/null', 'r')
  const client = connect(path)
  try {
    const [[accepted]] = await Promise.all([once(server, 'connection'), once(client, 'connect')])
    const [a, b] = socketPair()
    close(b)
    assert.equal(
      unixPeerCookie(a, () => true),
      undefined,
    )
    close(a)
    assert.equal(socketCookie(file), undefined)
    assert.equal(
      unixPeerCookie(file, () => true),
      undefined,
    )
    assert.ok(unixPeerCookie(fdOf(accepted), () => true))
    assert.deepEqual(peerGroups(fdOf(accepted)).toSorted(), threadCredentials(process.pid).groups.toSorted())
  } finally {
    client.destroy()
    closeSync(file)
    server.close()
    rmSync(directory, { recursive: true })
  }
})

test('credentials are the effective ones, with all groups', () => {
  assert.deepEqual(threadCredentials(process.pid), {
    pid: process.pid,
    uid: process.geteuid!(),
    gid: process.getegid!(),
    groups: threadCredentials(process.pid).groups,
  })
  const status = `Name:\tUid:\\n0\nTgid:\t12\nPid:\t13\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t9 10 \n`
  assert.deepEqual(credentialsIn(status), { pid: 12, uid: 2, gid: 6, groups: [9, 10] })
  assert.deepEqual(credentialsIn(status.replace('9 10 ', '')).groups, [])
  assert.throws(() => credentialsIn(readFileSync('/proc/self/cmdline', 'latin1')), /cannot be read/)
})
