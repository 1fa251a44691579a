/**
 * One connection per request over blocking sockets: `server ADDRESS PORT` answers, `client ADDRESS PORT SECONDS` prints
 * how many it made. Plain system calls, so that this measures the kernel's path and not an event loop.
 */
import koffi from 'koffi'

const libc = koffi.load('libc.so.6')
const socket = libc.func('int socket(int domain, int type, int protocol)')
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)')
const bind = libc.func('int bind(int fd, const void *address, uint32_t length)')
const listen = libc.func('int listen(int fd, int backlog)')
const accept = libc.func('int accept(int fd, void *address, void *length)')
const connect = libc.func('int connect(int fd, const void *address, uint32_t length)')
const read = libc.func('long read(int fd, _Out_ void *buffer, size_t length)')
const write = libc.func('long write(int fd, const void *buffer, size_t length)')
const close = libc.func('int close(int fd)')

const [mode, address = '', portText = '', secondsText = '1'] = process.argv.slice(2)
const port = Number(portText)
const sockaddr = Buffer.from([2, 0, port >> 8, port & 0xff, ...address.split('.').map(Number), 0, 0, 0, 0, 0, 0, 0, 0])
const one = Buffer.from([1, 0, 0, 0])
/** SO_LINGER with a time of 0: close resets, so that no port is kept in TIME_WAIT. */
const lingerOff = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0])
const byte = Buffer.alloc(1)

const must = (what: string, result: number): number => {
  if (result < 0) throw new Error(`${what}: errno ${koffi.errno()}`)
  return result
}

function serve(): never {
  const listener = must('socket', socket(2, 1, 0))
  must('setsockopt', setsockopt(listener, 1, 2, one, 4))
  must('bind', bind(listener, sockaddr, sockaddr.length))
  must('listen', listen(listener, 1024))
  process.stdout.write('listening\n')
  for (;;) {
    const fd = must('accept', accept(listener, null, null))
    if (read(fd, byte, 1) === 1) write(fd, byte, 1)
    close(fd)
  }
}

function request(): void {
  const fd = must('socket', socket(2, 1, 0))
  must('setsockopt', setsockopt(fd, 1, 13, lingerOff, 8))
  must('connect', connect(fd, sockaddr, sockaddr.length))
  must('write', write(fd, byte, 1))
  if (must('read', read(fd, byte, 1)) !== 1) throw new Error('the server closed without an answer')
  close(fd)
}

if (mode === 'server') serve()
const end = process.hrtime.bigint() + BigInt(Math.round(Number(secondsText) * 1e9))
let made = 0
while (process.hrtime.bigint() < end) {
  request()
  made++
}
process.stdout.write(`${made}\n`)
